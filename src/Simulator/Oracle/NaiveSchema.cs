using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

internal sealed class NaiveAttribute
{
    public required string Name { get; init; }

    /// <summary>1 for the namespace's first attribute; 0 is the id.</summary>
    public required int Number { get; init; }
    public required AttributeType Type { get; init; }
    public uint Dimensions { get; init; }
    public bool Filterable { get; set; }
    public FullTextOptions? FullText { get; set; }
    public bool Glob { get; set; }
    public bool Regex { get; set; }
    public bool Fuzzy { get; set; }

    public bool IsVector => NaiveValues.IsVector(Type);
    public bool IsSparse => Type == AttributeType.SparseF16;
    public bool IsArray => NaiveValues.IsArray(Type);
    public string Describe() => NaiveValues.Describe(Type, Dimensions);

    public NaiveAttribute Copy() => new()
    {
        Name = Name, Number = Number, Type = Type, Dimensions = Dimensions, Filterable = Filterable,
        FullText = FullText, Glob = Glob, Regex = Regex, Fuzzy = Fuzzy,
    };
}

/// <summary>What a namespace knows beside its rows. A request works on a copy, which replaces the original if all of
/// it is right.</summary>
[FloatAllowed("bounds of options, compared only")]
internal sealed class NaiveSchema
{
    private const int VectorColumnsMax = 8;
    private const int DimensionsMax = 10_752;

    public SortedDictionary<string, NaiveAttribute> Attributes { get; } = new(StringComparer.Ordinal);
    public AttributeType IdType { get; set; }
    public DistanceMetric Metric { get; set; }

    public NaiveSchema Copy()
    {
        NaiveSchema copy = new() { IdType = IdType, Metric = Metric };
        foreach (KeyValuePair<string, NaiveAttribute> pair in Attributes)
            copy.Attributes.Add(pair.Key, pair.Value.Copy());
        return copy;
    }

    public NaiveAttribute? Find(string name)
    {
        if (name == "id") return new NaiveAttribute { Name = name, Number = 0, Type = IdType, Filterable = true };
        return Attributes.TryGetValue(name, out NaiveAttribute? attribute) ? attribute : null;
    }

    public NaiveAttribute Get(string name)
    {
        NaiveAttribute? attribute = Find(name);
        Check.That(attribute is not null);
        return attribute;
    }

    public int VectorColumns
    {
        get
        {
            int columns = 0;
            foreach (KeyValuePair<string, NaiveAttribute> pair in Attributes) columns += pair.Value.IsVector ? 1 : 0;
            return columns;
        }
    }

    /// <summary>Attributes in the order in which the namespace got them.</summary>
    public List<NaiveAttribute> ByNumber()
    {
        List<NaiveAttribute> ordered = new(Attributes.Values);
        ordered.Sort(static (left, right) => left.Number.CompareTo(right.Number));
        return ordered;
    }

    /// <summary>Whether this schema indexes attributes of the other one in another way.</summary>
    public bool IndexesOtherwise(NaiveSchema before)
    {
        foreach (KeyValuePair<string, NaiveAttribute> pair in before.Attributes)
        {
            NaiveAttribute now = Attributes[pair.Key];
            if (now.Filterable != pair.Value.Filterable || !SameText(now.FullText, pair.Value.FullText)) return true;
        }
        return false;
    }

    /// <summary>Whether a text is cut into the same tokens.</summary>
    private static bool SameText(FullTextOptions? left, FullTextOptions? right)
    {
        if (left is null || right is null) return left is null && right is null;
        return left.Tokenizer == right.Tokenizer && left.Language == right.Language &&
            left.Stemming == right.Stemming && left.RemoveStopwords == right.RemoveStopwords &&
            left.CaseSensitive == right.CaseSensitive && left.AsciiFolding == right.AsciiFolding &&
            left.MaxTokenLength == right.MaxTokenLength;
    }

    public Refusal? Put(AttributeSchema said)
    {
        if (said.Name == "id") return PutId(said.Type);
        Refusal? wrong = CheckType(said);
        if (wrong is not null) return wrong;
        NaiveAttribute? attribute = Find(said.Name);
        bool isNew = attribute is null;
        if (isNew)
        {
            wrong = Add(said.Name, said.Type, said.Dimensions, filterable: false, out attribute);
            if (wrong is not null) return wrong;
        }
        else if (attribute!.Type != said.Type || attribute.Dimensions != said.Dimensions)
        {
            return new(ErrorCode.SchemaConflict, $"attribute `{said.Name}` has type {attribute.Describe()}, " +
                $"which cannot be changed to {NaiveValues.Describe(said.Type, said.Dimensions)}");
        }
        if (attribute!.IsVector || attribute.IsSparse) return null;
        if (said.FullText is not null || said.FullTextOff) attribute.FullText = said.FullText;
        attribute.Glob = said.Glob ?? attribute.Glob;
        attribute.Regex = said.Regex ?? attribute.Regex;
        attribute.Fuzzy = said.Fuzzy ?? attribute.Fuzzy;
        bool searched = attribute.FullText is not null || attribute.Glob || attribute.Regex || attribute.Fuzzy;
        if (said.Filterable is bool filterable) attribute.Filterable = filterable;
        else if (isNew) attribute.Filterable = !searched;
        return null;
    }

    public Refusal? Add(
        string name, AttributeType type, uint dimensions, bool filterable, out NaiveAttribute? attribute)
    {
        attribute = null;
        if (name.Length is 0 or > 128 || name[0] == '$')
        {
            return Refusal.Invalid(
                $"attribute name `{name}` must be UTF-8 of 1 to 128 bytes and not begin with $");
        }
        if (NaiveValues.IsVector(type) && VectorColumns == VectorColumnsMax)
        {
            return new(ErrorCode.LimitExceeded,
                $"vector attribute `{name}` would be one more than the limit of {VectorColumnsMax}");
        }
        attribute = new NaiveAttribute
        {
            Name = name, Number = Attributes.Count + 1, Type = type, Dimensions = dimensions, Filterable = filterable,
        };
        Attributes.Add(name, attribute);
        return null;
    }

    private Refusal? PutId(AttributeType type)
    {
        if (type is not (AttributeType.Uint or AttributeType.Uuid or AttributeType.String))
        {
            return Refusal.Invalid(
                $"attribute `id` must be uint, uuid or string, got {NaiveValues.Describe(type)}");
        }
        if (IdType != AttributeType.None && IdType != type)
        {
            return new(ErrorCode.SchemaConflict, $"attribute `id` has type {NaiveValues.Describe(IdType)}, " +
                $"which cannot be changed to {NaiveValues.Describe(type)}");
        }
        IdType = type;
        return null;
    }

    private static Refusal? CheckType(AttributeSchema said)
    {
        bool vector = NaiveValues.IsVector(said.Type);
        bool sparse = said.Type == AttributeType.SparseF16;
        bool known = vector || sparse || (said.Type & ~AttributeType.ArrayFlag) is >= AttributeType.String
            and <= AttributeType.Datetime;
        if (!known) return Refusal.Invalid($"attribute `{said.Name}` has the unknown type {(int)said.Type}");
        if (vector && said.Dimensions is 0 or > DimensionsMax)
        {
            return new(ErrorCode.LimitExceeded,
                $"attribute `{said.Name}` has {said.Dimensions} dimensions, limit is 1 to {DimensionsMax}");
        }
        if (!vector && said.Dimensions != 0)
        {
            return new(ErrorCode.LimitExceeded,
                $"attribute `{said.Name}` has {said.Dimensions} dimensions but is no vector, limit is 0");
        }
        if (vector && (said.Filterable == true || said.FullText is not null))
            return Refusal.Invalid($"vector attribute `{said.Name}` cannot be filterable or full-text");
        if (sparse && (said.Filterable == true || said.FullText is not null))
            return Refusal.Invalid($"sparse vector attribute `{said.Name}` cannot be filterable or full-text");
        Refusal? wrong = said.FullText is null ? null : CheckText(said, said.FullText);
        bool patterns = said.Glob == true || said.Regex == true || said.Fuzzy == true;
        if (wrong is not null || !patterns || said.Type is AttributeType.String or AttributeType.StringArray)
            return wrong;
        return Refusal.Invalid(
            $"glob, regex and fuzzy of attribute `{said.Name}` need type string or []string");
    }

    private static Refusal? CheckText(AttributeSchema said, FullTextOptions text)
    {
        bool whole = text.Tokenizer == Tokenizer.PreTokenizedArray;
        bool typed = said.Type == AttributeType.StringArray || (said.Type == AttributeType.String && !whole);
        bool sound = text.K1 is > 0 and < 1e6f && text.B is >= 0 and <= 1 && text.K3 is > 0 and <= 1e9f &&
            text.Tokenizer is Tokenizer.WordV1 or >= Tokenizer.WordV3 and <= Tokenizer.WordV4
                or Tokenizer.PreTokenizedArray &&
            text.Language <= Language.Porter && text.MaxTokenLength is > 0 and <= 254;
        if (typed && sound) return null;
        string reason = typed
            ? "needs a known tokenizer and language, max_token_length 1 to 254, k1 > 0, b in [0, 1] and k3 > 0"
            : whole ? "with tokenizer pre_tokenized_array needs type []string" : "needs type string or []string";
        return Refusal.Invalid($"full_text_search of attribute `{said.Name}` {reason}");
    }

    /// <summary>As replies carry it: the id first, then by name, everything said.</summary>
    public void Write(ref WireWriter writer)
    {
        List<AttributeSchema> all = [];
        if (IdType != AttributeType.None) all.Add(new AttributeSchema { Name = "id", Type = IdType });
        foreach (KeyValuePair<string, NaiveAttribute> pair in Attributes)
        {
            NaiveAttribute attribute = pair.Value;
            bool ranksOnly = attribute.IsVector || attribute.IsSparse;
            all.Add(new AttributeSchema
            {
                Name = attribute.Name, Type = attribute.Type, Dimensions = attribute.Dimensions,
                Filterable = ranksOnly ? null : attribute.Filterable, FullText = attribute.FullText,
                FullTextOff = !ranksOnly && attribute.FullText is null, Ann = attribute.IsVector,
                Glob = attribute.Glob ? true : null, Regex = attribute.Regex ? true : null,
                Fuzzy = attribute.Fuzzy ? true : null,
            });
        }
        writer.U8((byte)Metric);
        AttributeSchema.WriteAll(ref writer, all.ToArray());
    }
}
