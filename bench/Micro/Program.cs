using System;
using BenchmarkDotNet.Running;
using Deterministic.Micro;

switch (args)
{
    case ["kernels"]:
        KernelMeasurement.Run(rounds: 101);
        return 0;
    case ["queries"]:
        QueryMeasurement.Run(rounds: 51);
        return 0;
    case ["lanes"]:
        LaneMeasurement.Run(rounds: 31);
        return 0;
    case ["--smoke"]:
        KernelMeasurement.Run(rounds: 5);
        return 0;
    case []:
        Console.WriteLine("bench kernels     paired measurement against TensorPrimitives and the memory read speed");
        Console.WriteLine("bench queries     whole queries through the state machine against the memory read speed");
        Console.WriteLine("bench lanes       the canonical order's 16 lanes against 32 and 64");
        Console.WriteLine("bench --smoke     the same, short; prints a result hash");
        Console.WriteLine("bench --filter P  BenchmarkDotNet over the benchmarks that match P, '*' for all");
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(KernelMeasurement).Assembly).Run(args);
        return 0;
}
