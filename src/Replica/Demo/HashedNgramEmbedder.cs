using System;
using System.IO.Hashing;
using System.Text;

namespace Deterministic.Replica.Demo;

/// <summary>A small deterministic text embedder: hashed counts of words and of character trigrams in 256 dimensions,
/// words weighted up, scaled to unit length. It knows nothing of meaning beyond shared spelling; it stands in for a
/// model.</summary>
internal static class HashedNgramEmbedder
{
    public const int Dimensions = 256;
    private const int GramSize = 3;
    private const float WordWeight = 2f;
    private const float GramWeight = 0.5f;

    public static float[] Embed(string text)
    {
        float[] vector = new float[Dimensions];
        Span<byte> word = stackalloc byte[64];
        int size = 0;
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            bool letter = char.IsAsciiLetterOrDigit((char)b) || b >= 0x80;
            if (letter && size < word.Length)
            {
                word[size++] = (byte)(b is >= (byte)'A' and <= (byte)'Z' ? b + 32 : b);
                continue;
            }
            AddWord(vector, word[..size]);
            size = 0;
        }
        AddWord(vector, word[..size]);
        double norm = 0;
        foreach (float x in vector) norm += (double)x * x;
        float scale = norm > 0 ? (float)(1 / double.Sqrt(norm)) : 0;
        for (int i = 0; i < vector.Length; i++) vector[i] *= scale;
        return vector;
    }

    private static void AddWord(float[] vector, ReadOnlySpan<byte> word)
    {
        if (word.Length < 2) return;
        Add(vector, word, WordWeight);
        for (int i = 0; i + GramSize <= word.Length; i++) Add(vector, word.Slice(i, GramSize), GramWeight);
    }

    /// <summary>Feature hashing with a sign bit, so that collisions cancel on average.</summary>
    private static void Add(float[] vector, ReadOnlySpan<byte> gram, float weight)
    {
        ulong hash = XxHash3.HashToUInt64(gram);
        vector[hash % Dimensions] += (hash >> 63) == 0 ? weight : -weight;
    }
}
