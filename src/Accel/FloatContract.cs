using Deterministic.Core;

[assembly: FloatAllowed("kernels: + - * / and sqrt of IEEE 754 alone, in the order of docs/determinism.md")]
