using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws changes of schemas: other indexes for attributes that are there, new attributes, and now and then
/// what a schema cannot become.</summary>
[FloatAllowed("draws options from exact numbers")]
internal sealed class SchemaGenerator(TapeStream tape, Vocabulary vocabulary)
{
    private static readonly (string Name, AttributeType Type)[] New =
    [
        ("extra-bool", AttributeType.Bool), ("extra-int", AttributeType.Int), ("extra-text", AttributeType.String),
        ("extra-list", AttributeType.StringArray), ("extra-uuid", AttributeType.Uuid),
        ("extra-weights", AttributeType.SparseF16),
    ];

    public AttributeSchema[] Draw(string name)
    {
        AttributeSchema[] schema = new AttributeSchema[tape.Range(1, 3)];
        for (int i = 0; i < schema.Length; i++) schema[i] = tape.Below(12) == 11 ? Wrong(name) : Change(name);
        return schema;
    }

    private AttributeSchema Change(string name)
    {
        switch (tape.Below(8))
        {
            case 0: return Text("title", AttributeType.String);
            case 1: return Text("body", AttributeType.String);
            case 2: return Text("color", AttributeType.String);
            case 3: return Text("tags", AttributeType.StringArray);
            case 4: return Text("note", AttributeType.String);
            case 5: return Filterable(tape.Boolean() ? "size" : "note", name);
            case 6:
                (string added, AttributeType type) = New[tape.Below(New.Length)];
                return new AttributeSchema
                {
                    Name = added, Type = type, Filterable = tape.Boolean() ? tape.Boolean() : null,
                    Glob = type == AttributeType.String && tape.Boolean() ? true : null,
                };
            default:
                AttributeSchema[] all = vocabulary.SchemaOf(name);
                return all[tape.Below(all.Length)];
        }
    }

    private AttributeSchema Text(string attribute, AttributeType type)
    {
        bool on = tape.Below(4) != 3;
        return new AttributeSchema
        {
            Name = attribute, Type = type, Filterable = tape.Below(3) == 2 ? tape.Boolean() : null,
            FullText = on ? vocabulary.TextOptions(type == AttributeType.StringArray) : null, FullTextOff = !on,
            Glob = Rarely(), Regex = Rarely(), Fuzzy = Rarely(),
        };
    }

    private bool? Rarely() => tape.Below(8) == 7 ? tape.Below(4) > 0 : null;

    private AttributeSchema Filterable(string attribute, string name) => new()
    {
        Name = attribute, Type = attribute == "size" ? AttributeType.Int : AttributeType.String,
        Filterable = attribute == "size" ? Vocabulary.IsInferred(name) || tape.Boolean() : tape.Boolean(),
    };

    private AttributeSchema Wrong(string name)
    {
        FullTextOptions options = new() { B = 2 };
        return tape.Below(13) switch
        {
            0 => new() { Name = "color", Type = AttributeType.Int },
            1 => new() { Name = "vector", Type = AttributeType.VectorF32, Dimensions = 1000 },
            2 => new() { Name = "id", Type = (AttributeType)tape.Range(1, 7) },
            3 => new() { Name = "odd", Type = (AttributeType)99 },
            4 => new() { Name = "odd", Type = AttributeType.VectorF16 },
            5 => new() { Name = "odd", Type = AttributeType.VectorF32, Dimensions = 3, Filterable = true },
            6 => new() { Name = "$odd", Type = AttributeType.Int },
            7 => new() { Name = "title", Type = AttributeType.String, FullText = options },
            8 => new() { Name = "odd", Type = AttributeType.Int, FullText = new FullTextOptions() },
            9 => new() { Name = "odd", Type = AttributeType.IntArray, Regex = true },
            10 => new() { Name = "odd", Type = AttributeType.SparseF16, Filterable = true },
            11 => new() { Name = "weights", Type = AttributeType.VectorF16, Dimensions = 2 },
            _ => new()
            {
                Name = "odd", Type = AttributeType.String, Dimensions = name.Length > 0 ? (uint)tape.Below(2) : 0,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.PreTokenizedArray },
            },
        };
    }
}
