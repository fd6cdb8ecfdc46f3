using Deterministic.Core;

[assembly: FloatAllowed("the kernels: + - * / and sqrt of IEEE 754 alone, in the canonical order of docs/determinism.md")]
