// The page itself: asks the gateway, shows what it says. The API key stays in this variable and nowhere else.
"use strict";

const intervalMilliseconds = 1000;
const pointsMax = 120;
const pageSize = 20;

let token = "";
let generation = 0;
let asked = 0;
let last = null;
let cursor = null;
const rates = [];
const medians = [];
const tails = [];

const find = id => document.getElementById(id);

class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function ask(method, path, body) {
  const headers = { authorization: `Bearer ${token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(path, { method, headers, body, cache: "no-store" });
  const text = await response.text();
  if (response.ok) return { text, response };
  let problem = text;
  try {
    problem = JSON.parse(text).error ?? text;
  } catch {
    // Some errors are plain text.
  }
  throw new Refused(response.status, problem);
}

const askJson = async path => JSON.parse((await ask("GET", path)).text);

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Of what is asked again and again, and of what somebody has asked for: one that is over does not hide the other. */
const problems = { cluster: "", work: "" };

function tell(source, problem) {
  problems[source] = problem;
  const text = [...new Set(Object.values(problems))].filter(one => one !== "").join(" · ");
  find("problem").hidden = text === "";
  find("problem").textContent = text;
}

function setState(is, text) {
  find("state").dataset.is = is;
  find("state").textContent = text;
}

const whole = new Intl.NumberFormat("en");
const count = value => whole.format(value);

function size(bytes) {
  let unit = 0;
  while (bytes >= 1024 && unit < 5) {
    bytes /= 1024;
    unit++;
  }
  return `${unit === 0 ? bytes : bytes.toPrecision(3)} ${["B", "KiB", "MiB", "GiB", "TiB", "PiB"][unit]}`;
}

function seconds(value) {
  if (value >= 1) return `${+value.toPrecision(3)} s`;
  return value >= 0.001 ? `${+(value * 1e3).toPrecision(3)} ms` : `${+(value * 1e6).toPrecision(3)} µs`;
}

const rate = value => `${value < 10 ? +value.toFixed(1) : count(Math.round(value))}/s`;

// Cluster

function showCluster(status) {
  const rows = status.replicas.map(replica => {
    if (!replica.reachable) {
      return element("tr", {},
        element("td", {}, "–"),
        element("td", {}, element("span", { class: "role", "data-is": "bad", title: replica.problem }, "unreachable")),
        ...Array.from({ length: 4 }, () => element("td", { class: "number empty" }, "–")),
        element("td", { class: "code" }, replica.address));
    }
    const isWell = ["primary", "backup", "standby"].includes(replica.role);
    return element("tr", {},
      element("td", {}, `${replica.replica}`),
      element("td", {}, element("span", { class: "role", "data-is": isWell ? "good" : "warn" },
        replica.role.replaceAll("_", " "))),
      element("td", { class: "number" }, count(replica.view)),
      element("td", { class: "number" }, count(replica.commit)),
      element("td", { class: "number" }, replica.lag === null ? "–" : count(replica.lag)),
      element("td", { class: "number" }, count(replica.checkpoint)),
      element("td", { class: "code" }, replica.address));
  });
  find("replicas").tBodies[0].replaceChildren(...rows);
  const there = status.replicas.filter(replica => replica.reachable).length;
  if (status.primary === null) setState("bad", "no primary: writes wait");
  else if (there < status.replicas.length) setState("warn", `${there} of ${status.replicas.length} replicas answer`);
  else setState("good", there === 1 ? "the replica answers" : `all ${there} replicas answer`);
}

// Load

const isServed = labels => labels.route?.includes("namespaces") ?? false;

function showLoad(text, now) {
  const samples = parseMetrics(text);
  const next = {
    now,
    requests: sumOf(samples, "deterministic_http_requests_total", isServed),
    buckets: bucketsOf(samples, "deterministic_http_duration_seconds", isServed),
  };
  if (last !== null) {
    const elapsed = (next.now - last.now) / 1000;
    push(rates, Math.max(0, next.requests - last.requests) / elapsed);
    push(medians, quantile(last.buckets, next.buckets, 0.5));
    push(tails, quantile(last.buckets, next.buckets, 0.99));
    drawLoad();
  }
  last = next;
  const failed = sumOf(samples, "deterministic_http_requests_total", labels => labels.status >= "500");
  showFigures([
    ["Requests", count(next.requests)],
    ["Failed (5xx)", count(failed)],
    ["Under way", count(sumOf(samples, "deterministic_http_requests_under_way"))],
    ["Waiting", count(sumOf(samples, "deterministic_reads_waiting") + sumOf(samples, "deterministic_writes_waiting"))],
    ["Received", size(sumOf(samples, "deterministic_http_request_body_bytes_total"))],
    ["Sent", size(sumOf(samples, "deterministic_http_response_body_bytes_total"))],
    ["Memory", size(sumOf(samples, "dotnet_process_memory_working_set_bytes"))],
  ]);
}

function push(values, value) {
  values.push(value);
  if (values.length > pointsMax) values.shift();
}

function drawLoad() {
  if (rates.length === 0) return;
  drawChart(find("rate"), [rates], pointsMax, rate);
  drawChart(find("latency"), [medians, tails], pointsMax, seconds);
  find("rate-now").textContent = rate(rates.at(-1));
  const [median, tail] = [medians.at(-1), tails.at(-1)];
  find("latency-now").textContent = median === null ? "–" : `${seconds(median)} · ${seconds(tail)}`;
}

function showFigures(figures) {
  find("figures").replaceChildren(...figures.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

// Namespaces

async function listNamespaces(from) {
  const mine = asked;
  const search = new URLSearchParams({ page_size: pageSize, prefix: find("prefix").value });
  if (from !== null) search.set("cursor", from);
  const body = find("namespaces").tBodies[0];
  const page = await askJson(`v1/namespaces?${search}`);
  const rows = await Promise.all(page.namespaces.map(async ({ id }) => namespaceRow(id, await metadataOf(id))));
  if (mine !== asked) return;
  if (from === null) body.replaceChildren();
  body.append(...rows);
  if (body.rows.length === 0)
    body.append(element("tr", {}, element("td", { class: "empty", colspan: 4 }, "There are none yet.")));
  cursor = page.next_cursor ?? null;
  find("more").hidden = cursor === null;
  if (find("namespace").value === "" && page.namespaces.length > 0) find("namespace").value = page.namespaces[0].id;
}

async function metadataOf(name) {
  try {
    return await askJson(`v2/namespaces/${encodeURIComponent(name)}/metadata`);
  } catch (error) {
    // It may have been deleted since the list was made.
    if (error instanceof Refused) return null;
    throw error;
  }
}

function namespaceRow(name, metadata) {
  const choose = element("button", { type: "button", class: "name", onclick: () => {
    find("namespace").value = name;
    find("body").focus();
  } }, name);
  if (metadata === null) {
    return element("tr", {}, element("td", {}, choose),
      element("td", { class: "number empty" }, "–"), element("td", { class: "number empty" }, "–"), element("td"));
  }
  const schema = Object.entries(metadata.schema ?? {}).map(([attribute, { type, full_text_search: text, ann }]) =>
    element("span", { class: "attribute" }, `${attribute} `,
      element("i", {}, `${type}${text ? " · text" : ""}${ann ? " · ann" : ""}`)));
  return element("tr", {}, element("td", {}, choose),
    element("td", { class: "number" }, count(metadata.approx_row_count)),
    element("td", { class: "number" }, size(metadata.approx_logical_bytes)),
    element("td", { class: "wide" }, ...schema));
}

// Query

async function runQuery() {
  const timing = find("timing");
  const mine = generation;
  const started = performance.now();
  timing.textContent = "…";
  try {
    JSON.parse(find("body").value);
    const path = `v2/namespaces/${encodeURIComponent(find("namespace").value)}/query`;
    const { text } = await ask("POST", path, find("body").value);
    if (mine !== generation) return;
    const elapsed = (performance.now() - started) / 1000;
    const answer = JSON.parse(text, exactNumber);
    const results = answer.results ?? [answer];
    find("rows").replaceChildren(...results.map(tableOf));
    const rows = results.reduce((sum, result) => sum + (result.rows?.length ?? 0), 0);
    const server = answer.performance?.server_total_ms ?? results[0].performance?.server_total_ms;
    timing.textContent = `${count(rows)} ${rows === 1 ? "row" : "rows"} · ${seconds(elapsed)}` +
      `${server === undefined ? "" : ` (gateway and cluster ${server} ms)`} · ${size(text.length)}`;
    find("raw").hidden = false;
    find("raw").querySelector("pre").textContent = JSON.stringify(answer, null, 2);
  } catch (error) {
    find("rows").replaceChildren();
    find("raw").hidden = true;
    timing.textContent = error.message;
  }
}

/** Whole numbers that a double does not hold stay as they were written. */
const exactNumber = (_, value, context) =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
    ? JSON.rawJSON?.(context.source) ?? context.source : value;

/** A table of the rows of one result, or of its aggregations. */
function tableOf(result) {
  const rows = result.rows ?? result.aggregation_groups ?? (result.aggregations ? [result.aggregations] : []);
  const names = [...new Set(rows.flatMap(Object.keys))];
  if (rows.length === 0) return element("p", { class: "hint" }, "No rows.");
  return element("table", {},
    element("thead", {}, element("tr", {}, ...names.map(name => element("th", {}, name)))),
    element("tbody", {}, ...rows.map(row =>
      element("tr", {}, ...names.map(name => element("td", { class: "code" }, cell(row, name)))))));
}

/** Attributes may be called as the members that every object has. */
function cell(row, name) {
  if (!Object.hasOwn(row, name)) return "";
  const value = row[name];
  if (typeof value === "number") return Number.isInteger(value) ? `${value}` : `${+value.toPrecision(7)}`;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

// Connecting

async function poll(mine) {
  if (mine !== generation) return;
  try {
    if (!document.hidden) {
      const [status, metrics] = await Promise.allSettled([askJson("status"), ask("GET", "metrics")]);
      if (mine !== generation) return;
      if (status.status === "rejected") throw status.reason;
      showCluster(status.value);
      if (metrics.status === "fulfilled") showLoad(metrics.value.text, performance.now());
      tell("cluster", "");
    }
  } catch (error) {
    if (mine !== generation) return;
    last = null;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      // A key of some namespaces may use them; only those of all see the cluster.
      setState("warn", error.status === 401 ? "not connected" : "connected; this key may not see the cluster");
      if (error.status === 401) tell("cluster", error.message);
      return;
    }
    setState("bad", error instanceof Refused ? `the gateway answers ${error.status}` : "the gateway does not answer");
    tell("cluster", error.message);
  }
  setTimeout(() => poll(mine), intervalMilliseconds);
}

/** What was asked for last tells what is wrong; an earlier one may end after it. */
async function guard(work) {
  const mine = ++asked;
  let problem = "";
  try {
    await work();
  } catch (error) {
    problem = error.message;
  }
  if (mine === asked) tell("work", problem);
}

/** What one key may see is not there for the next one. */
function forget() {
  generation++;
  asked++;
  last = null;
  for (const values of [rates, medians, tails]) values.length = 0;
  for (const id of ["replicas", "namespaces"]) find(id).tBodies[0].replaceChildren();
  for (const id of ["rate", "latency", "figures", "rows"]) find(id).replaceChildren();
  for (const id of ["rate-now", "latency-now"]) find(id).textContent = "–";
  for (const id of ["more", "raw"]) find(id).hidden = true;
  find("timing").textContent = "";
  find("namespace").value = "";
  for (const source of Object.keys(problems)) tell(source, "");
}

function connect() {
  forget();
  token = find("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) {
    setState("warn", "not connected");
    tell("work", "an API key has letters without accents, digits and signs only");
    return;
  }
  poll(generation);
  guard(() => listNamespaces(null));
}

function on(id, event, act) {
  find(id).addEventListener(event, happened => {
    happened.preventDefault();
    act();
  });
}

on("access", "submit", connect);
on("search", "submit", () => guard(() => listNamespaces(null)));
on("more", "click", () => guard(() => listNamespaces(cursor)));
on("query", "submit", runQuery);
find("body").addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find("query").requestSubmit();
});
window.addEventListener("resize", drawLoad);
if (document.documentElement.dataset.development === "true") {
  find("token").value = "development";
  connect();
}
