using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Replica.Tests.Process;
using Deterministic.TestSupport;
using Xunit;
using Xunit.Abstractions;
using Map = System.Collections.Generic.SortedDictionary<string, object>;

namespace Deterministic.SystemTests.Deploy;

/// <summary>The manifests in docs/deploy are of the right form, their parts fit together, and they use options that the
/// program has.</summary>
public sealed partial class ManifestTests(ITestOutputHelper output)
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "deploy");
    private static readonly string KubernetesText = File.ReadAllText(Path.Combine(Folder, "kubernetes.yaml"));
    private static readonly string UnitPath = Path.Combine(Folder, "deterministic@.service");

    [Fact]
    public void EveryObjectHasTheFieldsOfItsKind()
    {
        List<Map> objects = Yaml.Documents(KubernetesText);
        IEnumerable<string> kinds = objects.Select(item => (string)item["kind"]);
        Assert.Equal(["ConfigMap", "Service", "PodDisruptionBudget", "StatefulSet"], kinds);
        Assert.Empty(objects.SelectMany(KubernetesSchema.Check));
    }

    [Theory]
    [InlineData("minReadySeconds", "minReadySecond", "StatefulSet.spec: minReadySecond is not a field of SetSpec")]
    [InlineData("  serviceName: deterministic\n", "", "StatefulSet.spec: serviceName is missing")]
    [InlineData("replicas: 3", "replicas: three", "StatefulSet.spec.replicas is not int: three")]
    [InlineData("value: \"0\"", "value: 0", "StatefulSet.spec.template.spec.containers.env.value is not text: 0")]
    [InlineData("apps/v1", "apps/v1beta1", "StatefulSet.apiVersion is not apps/v1: apps/v1beta1")]
    public void APlantedMistakeIsCaught(string right, string wrong, string problem)
    {
        string text = KubernetesText.Replace(right, wrong, StringComparison.Ordinal);
        Assert.Equal([problem], Yaml.Documents(text).SelectMany(KubernetesSchema.Check));
    }

    [Fact]
    public void ThePartsFitTogether()
    {
        Map service = Object("Service"), set = Object("StatefulSet");
        string name = Text(set, "metadata.name"), serviceName = Text(set, "spec.serviceName");
        Assert.Equal(serviceName, Text(service, "metadata.name"));
        Assert.Equal("None", Text(service, "spec.clusterIP"));
        Map labels = At<Map>(set, "spec.template.metadata.labels");
        Assert.Equal(labels, At<Map>(set, "spec.selector.matchLabels"));
        Assert.Equal(labels, At<Map>(service, "spec.selector"));
        Assert.Equal(labels, At<Map>(Object("PodDisruptionBudget"), "spec.selector.matchLabels"));

        Map pod = At<Map>(set, "spec.template.spec");
        Map replica = Only(pod, "containers"), format = Only(pod, "initContainers");
        int count = int.Parse(Text(set, "spec.replicas"));
        string port = Text(Only(At<Map>(service, "spec"), "ports"), "port");
        Assert.Equal(
            string.Join(',', Enumerable.Range(0, count).Select(i => $"{name}-{i}.{serviceName}:{port}")),
            Variable(replica, "DETERMINISTIC_ADDRESSES"));
        Assert.Contains($"--replica-count {count} ", CommandOf(format), StringComparison.Ordinal);
        string probed = Text(replica, "readinessProbe.tcpSocket.port");
        Assert.Equal(port, Text(Named(Items(replica, "ports"), probed), "containerPort"));

        List<string> volumes = [.. Items(pod, "volumes").Select(item => Text(item, "name"))];
        IEnumerable<Map> claims = Items(At<Map>(set, "spec"), "volumeClaimTemplates");
        volumes.AddRange(claims.Select(item => Text(item, "metadata.name")));
        foreach (Map mount in Items(replica, "volumeMounts").Concat(Items(format, "volumeMounts")))
            Assert.Contains(Text(mount, "name"), volumes);
        string secret = Text(Named(Items(replica, "volumeMounts"), "secret"), "mountPath");
        Assert.Equal(secret + "/secret", Variable(replica, "DETERMINISTIC_CLUSTER_SECRET_FILE"));
        Map reference = At<Map>(Named(Items(format, "env"), "FORMAT"), "valueFrom.configMapKeyRef");
        Assert.Equal(Text(Object("ConfigMap"), "metadata.name"), Text(reference, "name"));
        Assert.True(At<Map>(Object("ConfigMap"), "data").ContainsKey(Text(reference, "key")));
    }

    [Fact]
    public async Task EveryOptionIsOneOfTheProgram()
    {
        Map pod = At<Map>(Object("StatefulSet"), "spec.template.spec");
        string unit = await File.ReadAllTextAsync(UnitPath);
        string start = (await CommandResult.RunAsync("start", "--help")).Output;
        AssertOptions(CommandOf(Only(pod, "containers")) + ExecStart().Match(unit).Value, start, expected: 1);
        string format = (await CommandResult.RunAsync("format", "--help")).Output;
        AssertOptions(CommandOf(Only(pod, "initContainers")), format, expected: 4);
        foreach (Match setting in Setting().Matches(unit + KubernetesText))
            Assert.Contains(setting.Value, start, StringComparison.Ordinal);
    }

    private static void AssertOptions(string command, string help, int expected)
    {
        MatchCollection options = Option().Matches(command);
        Assert.Equal(expected, options.Count);
        foreach (Match option in options) Assert.Contains(option.Value + " ", help, StringComparison.Ordinal);
    }

    /// <summary>Lines of a unit are `Name=value` under a section that has the name; systemd itself is asked where it is
    /// installed.</summary>
    [Fact]
    public async Task TheUnitIsOne()
    {
        string section = "";
        SortedDictionary<string, int> lines = new(StringComparer.Ordinal);
        foreach (string line in await File.ReadAllLinesAsync(UnitPath))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            if (line[0] == '[') section = line;
            else Assert.Matches("^[A-Z][A-Za-z]+=", line);
            lines[section] = lines.GetValueOrDefault(section) + 1;
        }
        Assert.Equal(["[Install]", "[Service]", "[Unit]"], lines.Keys);

        string folder = Directory.CreateTempSubdirectory("deterministic-unit-").FullName;
        string copy = Path.Combine(folder, "deterministic@0.service");
        string text = await File.ReadAllTextAsync(UnitPath);
        await File.WriteAllTextAsync(
            copy, text.Replace("/opt/deterministic/deterministic start", "/bin/true start", StringComparison.Ordinal));
        try
        {
            using Process verify = Process.Start(
                new ProcessStartInfo("systemd-analyze", ["verify", copy]) { RedirectStandardError = true })!;
            string said = await verify.StandardError.ReadToEndAsync();
            await verify.WaitForExitAsync();
            Assert.True(verify.ExitCode == 0 && !said.Contains(copy, StringComparison.Ordinal), said);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            output.WriteLine("systemd is not installed here: it was not asked");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Map Object(string kind) =>
        Yaml.Documents(KubernetesText).Single(item => (string)item["kind"] == kind);

    private static T At<T>(Map map, string path)
    {
        object value = map;
        foreach (string name in path.Split('.')) value = ((Map)value)[name];
        return (T)value;
    }

    private static string Text(Map map, string path) => At<string>(map, path);

    private static IEnumerable<Map> Items(Map map, string name) => ((List<object>)map[name]).Cast<Map>();

    private static Map Only(Map map, string name) => Items(map, name).Single();

    private static Map Named(IEnumerable<Map> items, string name) => items.Single(item => Text(item, "name") == name);

    private static string Variable(Map container, string name) => Text(Named(Items(container, "env"), name), "value");

    private static string CommandOf(Map container) => string.Join(' ', At<List<object>>(container, "command"));

    [GeneratedRegex("^ExecStart=.*", RegexOptions.Multiline)]
    private static partial Regex ExecStart();

    [GeneratedRegex("--[a-z][a-z-]*")]
    private static partial Regex Option();

    [GeneratedRegex("DETERMINISTIC_[A-Z_]+")]
    private static partial Regex Setting();
}
