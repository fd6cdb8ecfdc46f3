using System;
using System.Collections.Generic;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Timeline;

internal enum HappeningKind : byte
{
    /// <summary>The run itself: its world, its phases, how it ended.</summary>
    Run = 0,
    Start = 1,
    Crash = 2,
    Pause = 3,

    /// <summary>What a replica is: primary, backup, between two views, and so on.</summary>
    Role = 4,
    Commit = 5,
    Checkpoint = 6,
    Damage = 7,

    /// <summary>Of the links between all.</summary>
    Links = 8,

    /// <summary>A client has begun to wait.</summary>
    Ask = 9,

    /// <summary>A client has its answer.</summary>
    Answer = 10,
}

/// <summary>Something that happened to one of the lanes of a run.</summary>
internal readonly struct Happening(ulong time, HappeningKind kind, int lane, string text)
{
    /// <summary>In nanoseconds.</summary>
    public ulong Time { get; } = time;
    public HappeningKind Kind { get; } = kind;
    public int Lane { get; } = lane;
    public string Text { get; } = text;
}

/// <summary>A message on its way.</summary>
/// <param name="sent">In nanoseconds.</param>
/// <param name="due">When it arrives; 0 if it is lost.</param>
internal readonly struct Passage(ulong sent, ulong due, int from, int to, Command command, string text)
{
    public ulong Sent { get; } = sent;
    public ulong Due { get; } = due;
    public int From { get; } = from;
    public int To { get; } = to;
    public Command Command { get; } = command;
    public string Text { get; } = text;
}

/// <summary>What happens in a run, for people to look at. Lanes: the replicas, then the clients, then the readers, then
/// the run and its links. Nothing in a run follows from it.</summary>
internal sealed class Chronicle
{
    private readonly List<Happening> _happenings = [];
    private readonly List<Passage> _passages = [];
    private int _clients;

    public IReadOnlyList<Happening> Happenings => _happenings;
    public IReadOnlyList<Passage> Passages => _passages;
    public int Replicas { get; private set; }
    public int RunLane { get; private set; }

    /// <summary>In nanoseconds.</summary>
    public ulong Now { get; set; }

    public void Begin(int replicas, int clients, int readers)
    {
        Replicas = replicas;
        _clients = clients;
        RunLane = replicas + clients + readers;
    }

    public string NameOf(int lane)
    {
        if (lane < Replicas) return $"replica {lane}";
        if (lane < Replicas + _clients) return $"client {lane - Replicas}";
        return lane < RunLane ? $"reader {lane - Replicas - _clients}" : "links";
    }

    /// <summary>Of a client or a reader, by what it calls itself.</summary>
    public int LaneOf(UInt128 id)
    {
        int client = (int)(id >> 96);
        return client > 0 ? Replicas + client - 1 : Replicas + _clients + (int)(id >> 64) - 1;
    }

    public void Note(HappeningKind kind, int lane, string text) => _happenings.Add(new(Now, kind, lane, text));

    public void NoteRun(HappeningKind kind, string text) => Note(kind, RunLane, text);

    /// <param name="due">When the message arrives; 0 if it is lost.</param>
    public void NoteMessage(byte from, byte to, UInt128 client, ReadOnlySpan<byte> message, ulong due)
    {
        Header header = Header.Read(message);
        int sender = from < Replicas ? from : LaneOf(client);
        int receiver = to < Replicas ? to : LaneOf(client);
        _passages.Add(new(Now, due, sender, receiver, header.Command, MessageText.Of(in header)));
    }
}
