using System;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.Gateway.Http;

/// <summary>Lets a few requests with large bodies in at a time. The others wait, and so do their clients, with nothing
/// of theirs in memory but what the server has buffered. Safe to use from many threads.</summary>
/// <param name="places">Requests at a time.</param>
/// <param name="bodyPatience">How long one keeps its place while its body comes. Whoever sends slowly does not hold up
/// the others.</param>
/// <param name="patience">How long to wait for a place.</param>
internal sealed class LargeBodyGate(int places, TimeSpan bodyPatience, TimeSpan patience)
{
    /// <summary>Bodies up to it do not wait.</summary>
    public const int SmallSizeMax = 64 << 10;

    private readonly SemaphoreSlim _places = new(places);

    /// <param name="size">Bytes of the body if the client has said so.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="RequestException">There was no place in time.</exception>
    public async Task<Place> EnterAsync(long? size, CancellationToken cancellation)
    {
        if (size <= SmallSizeMax) return Place.None;
        if (!await _places.WaitAsync(patience, cancellation).ConfigureAwait(false))
            throw RequestException.TooMany("too many large requests wait; try again later");
        return new Place(_places, bodyPatience);
    }

    /// <summary>Is given back once: when it is disposed of, or when the body takes too long.</summary>
    internal sealed class Place : IDisposable
    {
        public static readonly Place None = new();

        private readonly Timer? _end;
        private SemaphoreSlim? _places;

        public Place(SemaphoreSlim places, TimeSpan bodyPatience)
        {
            _places = places;
            _end = new Timer(static state => ((Place)state!).Leave(), this, bodyPatience, Timeout.InfiniteTimeSpan);
        }

        private Place()
        {
        }

        /// <summary>The body is there: a place that is still held is kept to the end.</summary>
        public void BodyIsThere() => _end?.Dispose();

        public void Dispose()
        {
            _end?.Dispose();
            Leave();
        }

        private void Leave() => Interlocked.Exchange(ref _places, null)?.Release();
    }
}
