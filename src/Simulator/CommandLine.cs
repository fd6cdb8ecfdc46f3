using System.Globalization;
using Deterministic.Core;
using Deterministic.Simulator.Timeline;

namespace Deterministic.Simulator;

/// <summary>What the command is asked to do; <see cref="TryParse"/> is the only way to one.</summary>
internal sealed class CommandLine
{
    public const string Help = """
        simulator [SEED]        runs one seed and says what happens
        simulator --runs N      runs N seeds in a row and says what they met together
        simulator --minutes N   runs seeds on all cores for N minutes, and keeps the tapes of those that fail
        simulator --replay FILE runs a recorded tape
        simulator --shrink FILE makes a failing tape smaller, as FILE.small, and lists what happens in it
        simulator --plants N    how many seeds, up to N, each planted bug of the protocol needs to be caught

        --seed FIRST            where to begin, 1 unless said
        --replicas N            only clusters of N replicas, 1 to 6
        --standbys N            with N standbys each, 0 to 6
        --lite                  clusters of which replicas crash and links are cut, and nothing else goes wrong
        --production            worlds with the sizes of production
        --tapes FOLDER          where the tapes of failing runs go
        --viz FILE.html         with one seed or --replay: also draws what happens over time
        --list                  with one seed or --replay: also lists what happens
        """;

    private const ulong SeedDefault = 20_260;

    public enum Job
    {
        Seed,
        Runs,
        Minutes,
        Replay,
        Shrink,
        Plants,
        Help,
    }

    private int _replicas;
    private int? _standbys;
    private bool _lite;
    private bool _production;

    public Job Todo { get; private set; } = Job.Seed;

    /// <summary>The seed, how many runs, or how many minutes.</summary>
    public ulong Number { get; private set; } = SeedDefault;
    public ulong FirstSeed { get; private set; } = 1;
    public string File { get; private set; } = "";
    public string Tapes { get; private set; } = ".";
    public string? Drawing { get; private set; }
    public bool Lists { get; private set; }

    /// <summary>Of one process among several: where its counts go, and from which seed to the next it steps.</summary>
    public string? ReportFile { get; private set; }
    public ulong Stride { get; private set; } = 1;

    public SimulationOptions Options => OptionsWith(null);

    public SimulationOptions OptionsWith(Chronicle? chronicle) => new()
    {
        Replicas = _replicas, Standbys = _standbys, Lite = _lite, Production = _production, Chronicle = chronicle,
    };

    /// <summary>The options of the worlds, as they were given.</summary>
    public string OptionsText => (_replicas == 0 ? "" : $"--replicas {_replicas} ") +
        (_standbys is int standbys ? $"--standbys {standbys} " : "") + (_lite ? "--lite " : "") +
        (_production ? "--production " : "");

    /// <summary>False: say the help.</summary>
    public static bool TryParse(string[] arguments, out CommandLine line)
    {
        line = new CommandLine();
        int at = 0;
        while (at < arguments.Length)
        {
            string? value = at + 1 < arguments.Length ? arguments[at + 1] : null;
            int taken = line.TakeFlag(arguments[at]) ? 1 : line.TakeValue(arguments[at], value) ? 2 : 0;
            if (taken == 0) return false;
            at += taken;
        }
        bool single = line.Todo is Job.Seed or Job.Replay;
        return single || (line.Drawing is null && !line.Lists);
    }

    private bool TakeFlag(string argument)
    {
        switch (argument)
        {
            case "--help": Todo = Job.Help; return true;
            case "--lite": return _lite = true;
            case "--production": return _production = true;
            case "--list": return Lists = true;
            default:
                if (!TryNumber(argument, out ulong seed)) return false;
                Number = seed;
                return Todo == Job.Seed;
        }
    }

    private bool TakeValue(string argument, string? value)
    {
        if (value is null) return false;
        bool isNumber = TryNumber(value, out ulong number);
        switch (argument)
        {
            case "--runs": return Take(Job.Runs, isNumber, number);
            case "--minutes": return Take(Job.Minutes, isNumber, number);
            case "--plants": return Take(Job.Plants, isNumber, number);
            case "--replay": return Take(Job.Replay, value);
            case "--shrink": return Take(Job.Shrink, value);
            case "--tapes": Tapes = value; return true;
            case "--viz": Drawing = value; return true;
            case "--report": ReportFile = value; return true;
            case "--stride": Stride = number; return isNumber && number > 0;
            case "--seed": FirstSeed = number; return isNumber;
            case "--replicas":
                _replicas = isNumber && number <= Limits.ReplicasMax ? (int)number : 0;
                return _replicas > 0;
            case "--standbys":
                _standbys = (int)ulong.Min(number, Limits.StandbysMax);
                return isNumber && number <= Limits.StandbysMax;
            default: return false;
        }
    }

    private bool Take(Job task, bool isNumber, ulong number)
    {
        Todo = task;
        Number = number;
        return isNumber;
    }

    private bool Take(Job task, string file)
    {
        Todo = task;
        File = file;
        return true;
    }

    private static bool TryNumber(string text, out ulong number) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
