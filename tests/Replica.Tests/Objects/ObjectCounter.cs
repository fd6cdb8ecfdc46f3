using System.Globalization;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>Several actors that count up one object by reading it and putting it back on condition.</summary>
internal static class ObjectCounter
{
    private const int NumberRoom = 16;

    /// <summary>Does <paramref name="rounds"/> rounds among all actors; gives how many of them were updates.</summary>
    public static int Run(ObjectClient client, string name, int actors, int rounds)
    {
        ObjectKey key = ObjectClient.Key(name);
        NativeBuffer[] buffers = new NativeBuffer[actors];
        bool[] reading = new bool[actors];
        int started = 0;
        int underWay = 0;
        int updates = 0;
        for (uint actor = 0; actor < actors; actor++)
        {
            buffers[actor] = client.Native(NumberRoom);
            StartRound(actor);
        }
        while (underWay > 0)
        {
            uint actor = client.World.Next(out ObjectResult result);
            underWay--;
            if (reading[actor])
            {
                Assert.Equal(ObjectStatus.Ok, result.Status);
                PutNext(actor, result);
                continue;
            }
            if (result.Status == ObjectStatus.Ok) updates++;
            else Assert.Equal(ObjectStatus.ConditionFailed, result.Status);
            StartRound(actor);
        }
        return updates;

        void StartRound(uint actor)
        {
            if (started == rounds) return;
            started++;
            underWay++;
            reading[actor] = true;
            client.Store.Get(actor, key, 0, buffers[actor]);
        }

        void PutNext(uint actor, in ObjectResult read)
        {
            string text = Encoding.ASCII.GetString(buffers[actor].Slice(0, read.Size));
            int next = int.Parse(text, CultureInfo.InvariantCulture) + 1;
            int size = Encoding.ASCII.GetBytes($"{next}", buffers[actor].Span);
            underWay++;
            reading[actor] = false;
            client.Store.Put(actor, key, buffers[actor].Part(0, size), PutCondition.IfMatch, read.Tag);
        }
    }
}
