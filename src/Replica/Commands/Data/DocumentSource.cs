using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text.Json;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands.Data;

/// <summary>How the documents of a load get their ids and values.</summary>
public sealed class DocumentOptions
{
    /// <summary>The key of the id in JSON; null: "_id" if the first line has it, else "id".</summary>
    public string? IdField { get; init; }

    /// <summary>Whether text ids are digits that mean a number.</summary>
    public bool NumberIds { get; init; }

    public AttributeSchema[] Schema { get; init; } = [];
}

/// <summary>The documents of one file, in its order.</summary>
public sealed class DocumentSource : IDisposable
{
    private readonly InputFile _file;
    private readonly DocumentOptions _options;
    private readonly VectorReader? _vectors;
    private readonly float[]? _first;

    public DocumentSource(string path, DocumentOptions options)
    {
        _file = new InputFile(path);
        _options = options;
        if (VectorReader.IsVectorFile(_file))
        {
            _vectors = new VectorReader(_file);
            _first = _vectors.Read();
        }
        else if (!_file.Ends(".jsonl") && !_file.Ends(".ndjson"))
        {
            _file.Dispose();
            throw new CommandException(
                $"\"{path}\" has no known format; known are .jsonl, .fvecs, .bvecs, .f16bin, each also with .gz");
        }
    }

    public string Path => _file.Path;
    public double Progress => _file.Progress;

    /// <summary>Whether no id can come twice: rows of a vector file are numbered.</summary>
    public bool IsNumbered => _vectors is not null;

    /// <summary>The vector column of a vector file, half-precision where the file is.</summary>
    public AttributeSchema[] DefaultSchema => _first is null ? [] :
    [
        new AttributeSchema
        {
            Name = "vector", Type = _vectors!.IsHalf ? AttributeType.VectorF16 : AttributeType.VectorF32,
            Dimensions = (uint)_first.Length, Ann = true,
        },
    ];

    /// <param name="rowNumber">Id of the first row of a vector file.</param>
    public IEnumerable<Row> Read(ulong rowNumber) => _vectors is null ? ReadLines() : ReadVectors(rowNumber);

    public void Dispose() => _file.Dispose();

    private IEnumerable<Row> ReadVectors(ulong rowNumber)
    {
        for (float[]? vector = _first; vector is not null; vector = _vectors!.Read())
            yield return new Row { Id = Value.Of(rowNumber++) }.With("vector", Value.Of(vector));
    }

    private IEnumerable<Row> ReadLines()
    {
        LineReader lines = new(_file.Stream);
        VectorColumns vectors = new(_options.Schema);
        string? idField = _options.IdField;
        while (lines.TryRead(out ReadOnlyMemory<byte> line))
        {
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) < 0) continue;
            idField ??= FindIdField(line);
            yield return ParseLine(line, lines.Line, vectors, idField);
        }
    }

    private Row ParseLine(ReadOnlyMemory<byte> line, long number, VectorColumns vectors, string idField)
    {
        try
        {
            return WriteRequestJson.ParseRow(line.Span, vectors, idField, _options.NumberIds);
        }
        catch (DeterministicException exception)
        {
            string where = number.ToString(CultureInfo.InvariantCulture);
            throw new CommandException($"{_file.Path}, line {where}: {exception.Message}");
        }
    }

    private static string FindIdField(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            bool found = document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("_id", out _);
            return found ? "_id" : "id";
        }
        catch (JsonException)
        {
            // The strict reader will say what is wrong, with the line.
            return "id";
        }
    }
}
