using System;
using System.Numerics.Tensors;
using BenchmarkDotNet.Attributes;
using Deterministic.Accel;

namespace Deterministic.Micro;

/// <summary>One query against 1,000 vectors of 768 dimensions, which stay in the cache.</summary>
public class KernelBenchmarks
{
    private const int Dimensions = 768;
    private const int Rows = 1000;

    private readonly float[] _query = KernelMeasurement.Singles(Dimensions, 1);
    private readonly float[] _rows = KernelMeasurement.Singles(Dimensions * Rows, 2);
    private readonly float[] _scores = new float[Rows];
    private ComputeBackend _backend = new ScalarBackend();

    [Params("simd512", "simd256", "simd128", "scalar")]
    public string Backend { get; set; } = "scalar";

    [GlobalSetup]
    public void Select()
    {
        BackendVerdict verdict = ComputeBackends.Select(Backend, out ComputeBackend? backend);
        if (verdict != BackendVerdict.Ready) throw new NotSupportedException($"{Backend}: {verdict}");
        _backend = backend!;
    }

    [Benchmark]
    public void Dot() => _backend.Dot(_query, _rows, _scores);

    [Benchmark]
    public void SquaredL2() => _backend.SquaredL2(_query, _rows, _scores);

    [Benchmark(Baseline = true)]
    public void TensorPrimitivesDot()
    {
        for (int row = 0; row < Rows; row++)
        {
            _scores[row] = TensorPrimitives.Dot<float>(_query, _rows.AsSpan(row * Dimensions, Dimensions));
        }
    }
}
