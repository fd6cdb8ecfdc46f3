using System;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Deterministic.Gateway.Telemetry;

/// <summary>Sends the spans of the gateway to a collector, over OTLP. A collector that is not there loses the spans and
/// disturbs nothing else. What is not said here is taken from OpenTelemetry's environment variables: headers, timeouts,
/// the sampler, the name of the service.</summary>
internal sealed class TraceExporter : IDisposable
{
    private const string ServiceName = "deterministic-gateway";
    private const string Path = "/v1/traces";

    private readonly TracerProvider _provider;

    private TraceExporter(TracerProvider provider) => _provider = provider;

    /// <summary>Null if nobody says where spans go.</summary>
    /// <param name="endpoint">Address of the collector for OTLP over HTTP; null: the environment tells.</param>
    public static TraceExporter? TryStart(Uri? endpoint)
    {
        bool isTold = endpoint is not null || IsSet("OTEL_EXPORTER_OTLP_ENDPOINT")
            || IsSet("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        if (!isTold) return null;
        TracerProviderBuilder builder = Sdk.CreateTracerProviderBuilder().AddSource(Tracing.SourceName);
        if (!IsSet("OTEL_SERVICE_NAME")) builder.ConfigureResource(static resource => resource.AddService(ServiceName));
        TracerProvider provider = builder.AddOtlpExporter(exporter =>
        {
            if (endpoint is not null) exporter.Endpoint = WithPath(endpoint);
            if (endpoint is not null || !IsSet("OTEL_EXPORTER_OTLP_PROTOCOL"))
                exporter.Protocol = OtlpExportProtocol.HttpProtobuf;
        }).Build();
        return new TraceExporter(provider);
    }

    /// <summary>Sends what is left, for at most five seconds.</summary>
    public void Dispose() => _provider.Dispose();

    /// <summary>Collectors take spans at this path; whoever names another has a reason.</summary>
    private static Uri WithPath(Uri endpoint) => endpoint.AbsolutePath == "/" ? new Uri(endpoint, Path) : endpoint;

    private static bool IsSet(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));
}
