using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>What all requests together, and each alone, may take.</summary>
internal sealed class ExchangeLimits(GatewayOptions options)
{
    /// <summary>Bodies of requests, writes that wait for the cluster, and parts of answers that are put together from
    /// several reads.</summary>
    public BodyBudget Bodies { get; } = new(options.BodiesSizeMax);

    /// <summary>Answers to queries while they are sent.</summary>
    public BodyBudget Answers { get; } = new(options.AnswersSizeMax);

    /// <summary>What writes go through.</summary>
    public LargeBodyGate LargeWrites { get; } =
        new(options.LargeWrites, options.LargeBodyPatience, options.Cluster.RequestTimeout);

    public int BodySizeMax => options.BodySizeMax;
    public int SmallBodySizeMax => options.SmallBodySizeMax;
    public ConnectionLimits Connections => options.Connections;
}
