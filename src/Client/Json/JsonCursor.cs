using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>An object being read: refuses a name that comes twice.</summary>
internal struct ObjectScope(int depth)
{
    private const int LinearMax = 16;
    private List<string>? _names;
    private HashSet<string>? _set;

    public readonly int Depth => depth;

    public bool Add(string name)
    {
        if (_set is not null) return _set.Add(name);
        _names ??= [];
        foreach (string other in _names)
            if (other == name) return false;
        _names.Add(name);
        if (_names.Count > LinearMax) _set = new HashSet<string>(_names, StringComparer.Ordinal);
        return true;
    }
}

/// <summary>An array being read; <see cref="Count"/> elements so far.</summary>
internal struct ArrayScope(int depth)
{
    public readonly int Depth => depth;
    public int Count { get; set; }
}

/// <summary>Walks a JSON text strictly and knows where it is, so that every complaint names the path. Between calls
/// it stands on the last token of the value just read.</summary>
internal ref struct JsonCursor
{
    private static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 160 };

    /// <summary>Characters of a complaint.</summary>
    private const int ProblemSizeMax = 1024;

    /// <summary>Characters of a value in a complaint.</summary>
    private const int ValueShownMax = 64;
    private readonly ReadOnlySpan<byte> _json;
    private readonly JsonPath _path;
    private readonly NameCache _names;
    private Utf8JsonReader _reader;

    /// <summary>Bytes of the text before those that the reader was given.</summary>
    private int _readerFrom;
    private int _markDepth;

    public JsonCursor(ReadOnlySpan<byte> json, string root = "")
    {
        _path = new JsonPath();
        _names = NameCache.OfThisThread;
        if (root.Length > 0) _path.Push(root);
        if (json.StartsWith("\uFEFF"u8)) json = json[3..];
        _json = json;
        _reader = new Utf8JsonReader(json, ReaderOptions);
        Read();
    }

    public readonly JsonTokenType Token => _reader.TokenType;
    public readonly bool IsNull => _reader.TokenType == JsonTokenType.Null;

    /// <summary>Kind of the first element if the value is an array that has one.</summary>
    public readonly JsonTokenType FirstElement
    {
        get
        {
            JsonCursor ahead = this;
            if (Token != JsonTokenType.StartArray) return JsonTokenType.None;
            ahead.Read();
            return ahead.Token;
        }
    }

    /// <summary>A place to come back to with <see cref="Rewind"/>.</summary>
    public readonly JsonCursor Mark()
    {
        JsonCursor mark = this;
        mark._markDepth = _path.Depth;
        return mark;
    }

    public void Rewind(JsonCursor mark)
    {
        this = mark;
        _path.Truncate(_markDepth);
    }

    public readonly JsonRequestException Fail(string problem, ErrorCode code = ErrorCode.InvalidArgument) =>
        new(code, _path.ToString(), JsonPath.Shorten(problem, ProblemSizeMax));

    public readonly JsonRequestException Missing(string field) =>
        new(ErrorCode.InvalidArgument, _path.ToString(), $"missing field `{field}`", $"missing field `{field}`");

    public readonly JsonRequestException NotSupported(string what) =>
        Fail($"{what} is not supported by this release", ErrorCode.NotSupported);

    public readonly JsonRequestException Expected(string what) => Fail($"expects {what}, but got {Describe()}");

    /// <summary>The value is of a JSON type that cannot be meant.</summary>
    /// <param name="what">What is expected, for people.</param>
    /// <param name="type">The same as turbopuffer's decoder names it, such as "a sequence".</param>
    public readonly JsonRequestException Expected(string what, string type) =>
        Misshapen(what, $"invalid type: {DescribeType()}, expected {type}");

    /// <summary>The value is none of the shapes that turbopuffer's type <paramref name="name"/> has.</summary>
    public readonly JsonRequestException NoVariant(string what, string name) =>
        Misshapen(what, $"data did not match any variant of untagged enum {name}");

    /// <summary>The value is a word that is not among the known ones.</summary>
    /// <param name="what">What is expected, for people.</param>
    /// <param name="known">The known ones, as turbopuffer's decoder lists them.</param>
    public readonly JsonRequestException UnknownVariant(string what, string known) =>
        Misshapen(what, $"unknown variant `{Shorten(Text())}`, expected {known}");

    public readonly ObjectScope Object(string what = "an object", string type = "a map")
    {
        if (Token != JsonTokenType.StartObject) throw Expected(what, type);
        return new ObjectScope(_path.Depth);
    }

    public readonly ArrayScope Array(string what = "an array")
    {
        if (Token != JsonTokenType.StartArray) throw Expected(what, "a sequence");
        return new ArrayScope(_path.Depth);
    }

    /// <summary>Moves to the value of the next property; false at the end of the object.</summary>
    public bool Next(ref ObjectScope scope, out string name)
    {
        _path.Truncate(scope.Depth);
        Read();
        if (Token == JsonTokenType.EndObject)
        {
            name = "";
            return false;
        }
        name = _reader.ValueIsEscaped ? Text() : _names.Get(_reader.ValueSpan) ?? Text();
        _path.Push(name);
        if (!scope.Add(name)) throw Fail("the key is given twice");
        Read();
        return true;
    }

    /// <summary>Moves to the next element; false at the end of the array.</summary>
    public bool Next(ref ArrayScope scope)
    {
        _path.Truncate(scope.Depth);
        Read();
        if (Token == JsonTokenType.EndArray) return false;
        _path.Push(scope.Count++);
        return true;
    }

    /// <summary>Reads an array of numbers. Vectors are most of what large requests hold, so the path is kept only for
    /// complaints, and numbers in their usual form do not go through the reader.</summary>
    public float[] Floats(string what)
    {
        ArrayScope scope = Array(what);
        JsonReaderState inArray = _reader.CurrentState;
        FloatBuffer floats = new();
        while (true)
        {
            scope.Count += TakeFloats(inArray, ref floats);
            Read();
            if (Token == JsonTokenType.EndArray) return floats.Finish();
            int index = scope.Count++;
            if (Token != JsonTokenType.Number || !FloatText.TryParse(_reader.ValueSpan, out float value))
            {
                _path.Truncate(scope.Depth);
                _path.Push(index);
                value = Float();
                _path.Truncate(scope.Depth);
            }
            floats.Add(value);
        }
    }

    /// <summary>Moves to the next property of a sparse vector; false at the end of the object. As in
    /// <see cref="Floats"/> the path is kept only for complaints.</summary>
    public bool NextDimension(in ObjectScope scope, out SparseDimension dimension)
    {
        dimension = default;
        _path.Truncate(scope.Depth);
        Read();
        if (Token == JsonTokenType.EndObject) return false;
        bool plain = !_reader.ValueIsEscaped && System.Text.Unicode.Utf8.IsValid(_reader.ValueSpan);
        byte[] name = plain ? _reader.ValueSpan.ToArray() : Encoding.UTF8.GetBytes(Text());
        Read();
        bool fits = name.Length is > 0 and <= Limits.SparseDimensionNameSizeMax;
        double weight = 0;
        bool read = Token == JsonTokenType.Number && _reader.TryGetDouble(out weight) && double.IsFinite(weight);
        if (!fits || !read)
        {
            _path.Push(Encoding.UTF8.GetString(name));
            if (!fits)
            {
                throw Fail($"a dimension's name of {name.Length} bytes, the limit is 1 to " +
                    $"{Limits.SparseDimensionNameSizeMax}", ErrorCode.LimitExceeded);
            }
            weight = Double("a weight (a number)");
        }
        dimension = new SparseDimension(name, weight);
        return true;
    }

    /// <summary>Moves to the next element, which must be there.</summary>
    public void Element(ref ArrayScope scope, string what)
    {
        if (!Next(ref scope)) throw Fail($"expects {what} as element {scope.Count}, but the array ends");
    }

    public void EndArray(ref ArrayScope scope, string what)
    {
        if (Next(ref scope)) throw Fail($"expects nothing more after {what}");
    }

    public void Skip()
    {
        try
        {
            _reader.Skip();
        }
        catch (JsonException exception)
        {
            throw NotJson(exception);
        }
    }

    /// <summary>After the root value: nothing may follow.</summary>
    public void End()
    {
        try
        {
            if (!_reader.Read()) return;
        }
        catch (JsonException exception)
        {
            throw NotJson(exception);
        }
        throw Fail("one JSON value is expected, more follows", ErrorCode.Malformed);
    }

    public readonly string String(string what = "a string")
    {
        if (Token != JsonTokenType.String) throw Expected(what, "a string");
        return Text();
    }

    /// <summary>A string that may be the name of an attribute or a label.</summary>
    public readonly string Name(string what)
    {
        string name = String(what);
        CheckName(name);
        return name;
    }

    /// <summary>Refuses what is too long to travel as a name.</summary>
    public readonly void CheckName(string name)
    {
        if (name.Length * 3 <= Limits.AttributeNameSizeMax) return;
        int size = Encoding.UTF8.GetByteCount(name);
        if (size <= Limits.AttributeNameSizeMax) return;
        throw Fail($"a name of {size} bytes, the limit is {Limits.AttributeNameSizeMax}", ErrorCode.LimitExceeded);
    }

    /// <summary>Refuses more than <paramref name="most"/> things.</summary>
    public readonly void CheckCount(int count, int most, string things)
    {
        if (count > most) throw Fail($"{count} {things}, the limit is {most}", ErrorCode.LimitExceeded);
    }

    public readonly bool Bool()
    {
        if (Token is not (JsonTokenType.True or JsonTokenType.False)) throw Expected("true or false", "a boolean");
        return Token == JsonTokenType.True;
    }

    public readonly uint Count(uint least, uint greatest)
    {
        if (Token == JsonTokenType.Number && _reader.TryGetUInt32(out uint value)
            && value >= least && value <= greatest)
        {
            return value;
        }
        throw Fail($"must be between {least} and {greatest}, but got {Describe()}");
    }

    public readonly double Double(string what = "a number")
    {
        if (Token != JsonTokenType.Number) throw Expected(what, "f64");
        if (!_reader.TryGetDouble(out double value) || !double.IsFinite(value))
            throw Fail($"{Describe()} is not a finite 64-bit float", ErrorCode.NotFinite);
        return value;
    }

    public readonly float Float(string what = "a number")
    {
        if (Token != JsonTokenType.Number) throw Expected(what, "f32");
        if (!_reader.TryGetSingle(out float value) || !float.IsFinite(value))
            throw Fail($"{Describe()} is not a finite 32-bit float", ErrorCode.NotFinite);
        return value;
    }

    /// <summary>A number as a value: an int or (above i64) a uint if it is spelled without fraction and
    /// exponent.</summary>
    public readonly Value Number()
    {
        if (_reader.ValueSpan.IndexOfAny(".eE"u8) >= 0) return Value.Of(Double());
        if (_reader.TryGetInt64(out long small)) return Value.Of(small);
        if (_reader.TryGetUInt64(out ulong large)) return Value.Of(large);
        throw Fail($"{Describe()} is outside of the 64-bit integers; write it with a decimal point to mean a float");
    }

    public readonly bool TryUint(out ulong value)
    {
        value = 0;
        return Token == JsonTokenType.Number && _reader.TryGetUInt64(out value)
            && _reader.ValueSpan.IndexOfAny(".eE"u8) < 0;
    }

    public readonly byte[] Base64(string what)
    {
        if (Token != JsonTokenType.String) throw Expected(what);
        if (!_reader.TryGetBytesFromBase64(out byte[]? bytes)) throw Fail("is not a base64 string");
        return bytes;
    }

    private readonly string Text()
    {
        try
        {
            return _reader.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            throw Fail("a string is not valid UTF-8 or holds half a surrogate pair", ErrorCode.Malformed);
        }
    }

    private void Read()
    {
        bool read;
        try
        {
            read = _reader.Read();
        }
        catch (JsonException exception)
        {
            throw NotJson(exception);
        }
        if (!read) throw Fail("expects a JSON value, but the body is empty", ErrorCode.Malformed);
    }

    /// <summary>Takes numbers of an array past the reader, and returns how many. The last one that could be taken is
    /// left: the reader goes on with it as if it were the first, and so the end of the array is its to judge.</summary>
    /// <param name="inArray">Of the reader behind the bracket that opens the array.</param>
    /// <param name="floats">They are added to it.</param>
    private int TakeFloats(JsonReaderState inArray, scoped ref FloatBuffer floats)
    {
        const int none = -1;
        ReadOnlySpan<byte> json = _json;
        int position = _readerFrom + (int)_reader.BytesConsumed;
        if (Token != JsonTokenType.StartArray && !TryPass(json, ref position)) return 0;
        int taken = none;
        int last = none;
        float held = 0;
        while (true)
        {
            while (position < json.Length && json[position] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                position++;
            int start = position;
            if (!FloatText.TryRead(json, ref position, out float value)) break;
            if (last != none) floats.Add(held);
            held = value;
            last = start;
            taken++;
            if (!TryPass(json, ref position)) break;
        }
        if (taken <= 0) return 0;
        _reader = new Utf8JsonReader(json[last..], isFinalBlock: true, inArray);
        _readerFrom = last;
        return taken;
    }

    /// <summary>Moves behind the comma at a position.</summary>
    private static bool TryPass(ReadOnlySpan<byte> json, ref int position)
    {
        if (position >= json.Length || json[position] != ',') return false;
        position++;
        return true;
    }

    private readonly JsonRequestException NotJson(JsonException exception)
    {
        if (_readerFrom > 0) exception = ReadFromTheStart() ?? exception;
        return new JsonRequestException(
            ErrorCode.Malformed, "",
            $"not valid JSON at {Place(exception)}: {exception.Message.Split(" LineNumber:")[0]}");
    }

    /// <summary>The reader has not seen all of the text, and does not know on which line it is.</summary>
    private readonly JsonException? ReadFromTheStart()
    {
        Utf8JsonReader reader = new(_json, ReaderOptions);
        try
        {
            while (reader.Read())
            {
            }
            return null;
        }
        catch (JsonException exception)
        {
            return exception;
        }
    }

    private static string Place(JsonException exception)
    {
        string line = exception.LineNumber > 0 ? $"line {exception.LineNumber + 1}, " : "";
        return $"{line}byte {exception.BytePositionInLine + 1}";
    }

    private readonly string Describe() => Token switch
    {
        JsonTokenType.Null => "null",
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.Number => Shorten(Encoding.UTF8.GetString(_reader.ValueSpan)),
        JsonTokenType.String => $"\"{Shorten(Text())}\"",
        _ => "nothing",
    };

    private readonly JsonRequestException Misshapen(string what, string shape) =>
        new(ErrorCode.InvalidArgument, _path.ToString(), $"expects {what}, but got {Describe()}", shape);

    private readonly string DescribeType() => Token switch
    {
        JsonTokenType.True or JsonTokenType.False => $"boolean `{Describe()}`",
        JsonTokenType.StartObject => "map",
        JsonTokenType.StartArray => "sequence",
        JsonTokenType.Number when _reader.ValueSpan.IndexOfAny(".eE"u8) >= 0 => $"floating point `{Describe()}`",
        JsonTokenType.Number => $"integer `{Describe()}`",
        JsonTokenType.String => $"string {Describe()}",
        _ => Describe(),
    };

    private static string Shorten(string text) => JsonPath.Shorten(text, ValueShownMax);
}

/// <summary>Attribute names come again with every row: keeps one string for each.</summary>
internal sealed class NameCache
{
    private const int Slots = 256;

    [ThreadStatic] private static NameCache? _ofThisThread;

    private readonly (byte[] Utf8, string Text)[] _slots = new (byte[], string)[Slots];

    public static NameCache OfThisThread => _ofThisThread ??= new NameCache();

    /// <summary>Null if the bytes are not UTF-8 or too long for a name.</summary>
    public string? Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > Limits.AttributeNameSizeMax) return null;
        uint hash = (uint)utf8.Length;
        foreach (byte b in utf8) hash = unchecked(hash * 31 + b);
        ref (byte[] Utf8, string Text) slot = ref _slots[hash % Slots];
        if (slot.Utf8 is not null && utf8.SequenceEqual(slot.Utf8)) return slot.Text;
        if (!System.Text.Unicode.Utf8.IsValid(utf8)) return null;
        slot = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        return slot.Text;
    }
}
