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

    /// <summary>Whether the id is the number of the row and the id of the file stays as an attribute.</summary>
    public bool RowIds { get; init; }

    /// <summary>Vectors for JSON documents, one each in their order, through all files.</summary>
    public VectorReader? Vectors { get; init; }

    public AttributeSchema[] Schema { get; init; } = [];
}

/// <summary>The documents of one file, in its order.</summary>
public sealed class DocumentSource : IDisposable
{
    private readonly InputFile _file;
    private readonly DocumentOptions _options;
    private readonly VectorReader? _vectors;

    public DocumentSource(string path, DocumentOptions options)
    {
        _file = new InputFile(path);
        _options = options;
        if (VectorReader.IsVectorFile(_file))
        {
            _vectors = new VectorReader(_file);
            DefaultSchema = _vectors.Schema();
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

    /// <summary>Whether the ids are the numbers of the rows, so that none can come twice.</summary>
    public bool IsNumbered => _vectors is not null || _options.RowIds;

    /// <summary>The column of a vector file, half-precision where the file is.</summary>
    public AttributeSchema? DefaultSchema { get; }

    /// <param name="rowNumber">Id of the first row if <see cref="IsNumbered"/>.</param>
    public IEnumerable<Row> Read(ulong rowNumber) => _vectors is null ? ReadLines(rowNumber) : ReadVectors(rowNumber);

    public void Dispose() => _file.Dispose();

    private IEnumerable<Row> ReadVectors(ulong rowNumber)
    {
        while (_vectors!.Read() is float[] vector)
            yield return new Row { Id = Value.Of(rowNumber++) }.With("vector", Value.Of(vector));
    }

    private IEnumerable<Row> ReadLines(ulong rowNumber)
    {
        LineReader lines = new(_file.Stream);
        VectorColumns vectors = new(_options.Schema);
        string? idField = _options.IdField;
        while (lines.TryRead(out ReadOnlyMemory<byte> line))
        {
            if (line.Span.IndexOfAnyExcept(" \t\r"u8) < 0) continue;
            idField ??= FindIdField(line);
            Row row = ParseLine(line, lines.Line, vectors, idField);
            if (_options.RowIds)
                row = new Row { Id = Value.Of(rowNumber++), Attributes = [KeepId(idField, row.Id), .. row.Attributes] };
            if (_options.Vectors is not null) row.With("vector", NextVector(lines.Line));
            yield return row;
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

    /// <summary>"id" is the name of the new id, so an old one of that name moves aside.</summary>
    private static KeyValuePair<string, Value> KeepId(string idField, Value id) =>
        new(idField == "id" ? "_id" : idField, id);

    private Value NextVector(long number)
    {
        if (_options.Vectors!.Read() is float[] vector) return Value.Of(vector);
        throw new CommandException(string.Create(CultureInfo.InvariantCulture,
            $"{_file.Path}, line {number}: --vectors has only {_options.Vectors.Count}, each document needs one"));
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
