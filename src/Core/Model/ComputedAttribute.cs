using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>What a computed attribute holds. Append only.</summary>
public enum ComputedKind : byte
{
    Score = 1,
    Highlight = 2,
}

/// <summary>A value that the rows of an answer carry beside their attributes. On the wire: label name, kind u8; Score:
/// a ranking, which gives the row's score, or with Ann and Knn its distance; Highlight: that.</summary>
public sealed class ComputedAttribute
{
    public required string Label { get; init; }
    public RankBy Score { get; init; } = new() { Kind = RankKind.None };

    /// <summary>Takes the place of a score.</summary>
    public Highlight? Highlight { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Label));
        writer.U8((byte)(Highlight is null ? ComputedKind.Score : ComputedKind.Highlight));
        if (Highlight is null) Score.Write(ref writer);
        else Highlight.Write(ref writer);
    }

    public static ComputedAttribute Read(ref WireReader reader)
    {
        string label = Encoding.UTF8.GetString(reader.Name());
        ComputedKind kind = (ComputedKind)reader.U8();
        if (kind == ComputedKind.Highlight)
            return new ComputedAttribute { Label = label, Highlight = Highlight.Read(ref reader) };
        if (kind != ComputedKind.Score) reader.Fail();
        return new ComputedAttribute { Label = label, Score = RankBy.Read(ref reader) };
    }
}
