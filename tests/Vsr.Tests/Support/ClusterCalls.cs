using System;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr.Tests.Support;

/// <summary>Whole requests with their answers, from a cluster that may take its time.</summary>
internal static class ClusterCalls
{
    public static TestClient Register(ClusterBench bench, UInt128 id)
    {
        TestClient client = new(id);
        client.MakeRegister(Bench.Cluster);
        Answer(bench, client);
        return client;
    }

    /// <summary>Sends a request to all replicas until it is answered.</summary>
    public static Header Answer(ClusterBench bench, TestClient client)
    {
        Header request = Header.Read(client.Request);
        for (int tries = 0; tries < 60; tries++)
        {
            for (byte i = 0; i < bench.Nodes.Count; i++) bench.Send(i, client.Request);
            bench.Run(20);
            foreach (ClusterBench.Packet reply in bench.Replies)
            {
                if (reply.Header.Command != Command.Reply || reply.Client != client.Id) continue;
                if (reply.Header.Reply.RequestChecksum != request.Checksum) continue;
                client.Take(reply.Header);
                return reply.Header;
            }
        }
        throw new InvalidOperationException("no answer");
    }

    public static Header Write(ClusterBench bench, TestClient client, params byte[] body)
    {
        client.Make(Bench.Cluster, Operation.Write, body);
        return Answer(bench, client);
    }
}
