using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryPlan
{
    /// <summary>Reads a ranking; Ann, Knn, Attributes and None only as the whole of it.</summary>
    private bool TryRank(ref WireReader reader, int depth, ref ErrorText error)
    {
        if (_rankCount - _rankBase == Limits.RankNodesMax)
            return OverLimit(ref error, "rank_by"u8, Limits.RankNodesMax + 1, Limits.RankNodesMax);
        if (depth == Limits.RankDepthMax)
            return OverLimit(ref error, "rank_by nesting"u8, depth + 1, Limits.RankDepthMax);
        int index = _rankCount++;
        ref RankNode node = ref _ranks[index];
        node = new RankNode { Kind = (RankKind)reader.U8(), FilterRoot = FilterProgram.NoFilter };
        if (reader.Failed || depth > 0 && node.Kind < RankKind.Bm25) return error.Malformed("rank_by"u8);
        bool valid = node.Kind switch
        {
            RankKind.None => true,
            RankKind.Ann or RankKind.Knn => TryVector(ref reader, ref node, ref error),
            RankKind.Attributes => TryOrder(ref reader, ref error),
            RankKind.Bm25 => TryText(ref reader, ref node, ref error),
            RankKind.Sum or RankKind.Max => TryChildren(ref reader, reader.U16(), depth, ref error),
            RankKind.Product => TryChildren(ref reader, 2, depth, ref error),
            RankKind.Filter => TryFilter(ref reader, ref node, ref error),
            RankKind.Attribute => TryAttribute(ref reader, ref node, ref error),
            RankKind.Saturate or RankKind.Decay => TryCurve(ref reader, index, depth, ref error),
            RankKind.Dist => TryDistance(ref reader, ref node, ref error),
            RankKind.SparseKnn => TrySparse(ref reader, ref node, ref error),
            RankKind.Constant => TryConstant(ref reader, ref node, ref error),
            _ => error.Malformed("rank_by"u8),
        };
        if (!valid) return false;
        if (reader.Failed) return error.Malformed("rank_by"u8);
        node.End = _rankCount;
        return true;
    }

    private bool TryChildren(ref WireReader reader, int count, int depth, ref ErrorText error)
    {
        if (count == 0) return Invalid(ref error, "rank_by cannot be empty"u8);
        for (int i = 0; i < count; i++)
            if (!TryRank(ref reader, depth + 1, ref error)) return false;
        return true;
    }

    private bool TryFilter(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        if (!_filters.TryCompile(ref reader, newRowAllowed: false, ref error, out node.FilterRoot)) return false;
        return node.FilterRoot != FilterProgram.NoFilter || Invalid(ref error, "rank_by filter cannot be empty"u8);
    }

    private bool TryAttribute(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        if (reader.Failed) return error.Malformed("rank_by"u8);
        KeepsZeroScores = true;
        return TryColumn("rank_by"u8, name, needsNumber: true, out node.Slot, ref error);
    }

    private static bool TryConstant(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        node.Constant = reader.F64();
        if (double.IsFinite(node.Constant)) return true;
        error.Begin(ErrorCode.NotFinite).Text("rank_by constant is not a finite number"u8);
        return false;
    }

    private bool TryVector(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        EncodedValue value = EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("rank_by vector"u8);
        if (!_view.TryFind(name, out node.Slot))
        {
            error.Begin(ErrorCode.AttributeNotFound).Text("rank_by: attribute "u8).Name(name)
                .Text(" not found in schema"u8);
            return false;
        }
        ref AttributeRecord attribute = ref _view.Attribute(node.Slot);
        if (!AttributeTypes.IsVector(attribute.Type)) return Mismatch(ref error, "rank_by"u8, name, node.Slot);
        int dimensions = ValueConversion.Dimensions(value);
        if (dimensions < 0) return Invalid(ref error, "rank_by: operand is no vector"u8);
        if (dimensions != attribute.Dimensions)
        {
            error.Begin(ErrorCode.DimensionMismatch).Text("rank_by: vector "u8).Name(name).Text(" has "u8)
                .Number((ulong)attribute.Dimensions).Text(" dimensions, but the query has "u8).Number((long)dimensions);
            return false;
        }
        if (_vectorCount++ == Limits.QueryVectorsMax)
            return OverLimit(ref error, "vectors of a query"u8, _vectorCount, Limits.QueryVectorsMax);
        node.VectorStart = _vectorSize;
        node.VectorSize = dimensions;
        _vectorSize += dimensions;
        Span<float> vector = _vector.AsSpan(node.VectorStart, dimensions);
        if (!ValueConversion.TryVector(value, vector)) return Invalid(ref error, "rank_by: operand is no vector"u8);
        foreach (ref float element in vector)
        {
            // The comparison is false for NaN too.
            if (!(element <= Limits.VectorElementMax && element >= -Limits.VectorElementMax))
            {
                error.Begin(ErrorCode.NotFinite).Text("rank_by: vector "u8).Name(name)
                    .Text(" has an element that is not finite or beyond 2^40"u8);
                return false;
            }
            element += 0f;
        }
        return true;
    }

    private bool TryOrder(ref WireReader reader, ref ErrorText error)
    {
        int count = reader.U8();
        if (count == 0) return Invalid(ref error, "rank_by cannot be empty"u8);
        if (count > Limits.OrderByAttributesMax)
            return OverLimit(ref error, "rank_by"u8, count, Limits.OrderByAttributesMax);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> name = reader.Name();
            _descending[i] = reader.U8() != 0;
            if (reader.Failed) return error.Malformed("rank_by"u8);
            if (!TryColumn("rank_by"u8, name, needsNumber: false, out _orderSlots[i], ref error)) return false;
            if (AttributeTypes.IsArray(_view.Attribute(_orderSlots[i]).Type))
                return Mismatch(ref error, "rank_by"u8, name, _orderSlots[i]);
        }
        OrderCount = count;
        return true;
    }

    private bool TryText(ref WireReader reader, ref RankNode node, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        bool lastAsPrefix = reader.U8() != 0;
        EncodedValue value = EncodedValue.Read(ref reader);
        if (reader.Failed) return error.Malformed("rank_by BM25"u8);
        if (!_view.TryFind(name, out node.Slot))
        {
            error.Begin(ErrorCode.AttributeNotFound).Text("rank_by: attribute "u8).Name(name)
                .Text(" not found in schema"u8);
            return false;
        }
        AttributeRecord attribute = _view.Attribute(node.Slot);
        if ((attribute.Flags & AttributeFlags.FullText) == 0)
        {
            error.Begin(ErrorCode.AttributeNotFilterable).Text("rank_by: attribute "u8).Name(name)
                .Text(" has no full_text_search"u8);
            return false;
        }
        bool array = value.Kind == ValueKind.Array;
        bool wantsArray = attribute.Text.Tokenizer == Tokenizer.PreTokenizedArray;
        if (array != wantsArray || !array && value.Kind != ValueKind.String)
        {
            error.Begin(ErrorCode.TypeMismatch).Text("invalid input for rank_by field \""u8).Text(name)
                .Text(wantsArray ? "\", expecting []string"u8 : "\", expecting string"u8);
            return false;
        }
        if (value.Payload.Length > Limits.QueryTextSizeMax)
            return OverLimit(ref error, "rank_by BM25 bytes"u8, value.Payload.Length, Limits.QueryTextSizeMax);
        if (!Analyze(attribute.Text, value)) return Invalid(ref error, "rank_by BM25 expects strings"u8);
        return AddTerms(ref node, attribute, lastAsPrefix, ref error);
    }

    private bool Analyze(in TextOptions options, EncodedValue value)
    {
        _tokens.Clear();
        if (value.Kind == ValueKind.String) return _analyzer.Analyze(options, value.Payload, _tokens);
        WireReader elements = value.Elements;
        for (int i = value.ElementCount; i > 0; i--)
        {
            EncodedValue element = EncodedValue.Read(ref elements, element: true);
            if (element.Kind != ValueKind.String) return false;
            if (!_analyzer.Analyze(options, element.Payload, _tokens)) return false;
        }
        return true;
    }

    /// <summary>Adds each different token once, in the order of their bytes, with idf · (k3 + 1) · qtf / (k3 + qtf);
    /// the last one of the text, if it is a prefix, stands behind them.</summary>
    private bool AddTerms(ref RankNode node, in AttributeRecord attribute, bool lastAsPrefix, ref ErrorText error)
    {
        node.TermStart = _termCount;
        int whole = lastAsPrefix && _tokens.Count > 0 ? _tokens.Count - 1 : _tokens.Count;
        Span<int> order = _tokenOrder.AsSpan(0, whole);
        for (int i = 0; i < whole; i++) order[i] = i;
        IndexSort.Sort(order, _tokenScratch, new TokenOrder(_tokens));
        int end = 0;
        for (int start = 0; start < whole; start = end)
        {
            ReadOnlySpan<byte> token = _tokens.Text(order[start]);
            while (end < whole && _tokens.Text(order[end]).SequenceEqual(token)) end++;
            if (!AddTerm(attribute, token, end - start, ref error)) return false;
        }
        if (whole < _tokens.Count && !AddPrefix(attribute, _tokens.Text(whole), ref error)) return false;
        node.TermCount = _termCount - node.TermStart;
        return true;
    }

    /// <summary>A term that no document has adds nothing to any score and takes no room.</summary>
    private bool AddTerm(in AttributeRecord attribute, ReadOnlySpan<byte> token, int repeats, ref ErrorText error)
    {
        Check.That(repeats > 0);
        if (!HasRoomForTerm(ref error)) return false;
        Keys key = new(_termKeys.Span[_termKeysSize..]);
        key.Namespace(_view.Number).Attribute(attribute.Number).Term(token);
        if (!TryTerm(key.Key, out ReadOnlySpan<byte> value)) return true;
        ulong frequency = Postings.TermEntry.Count(value);
        double k3 = attribute.Text.K3;
        double weight = (k3 + 1) * repeats / (k3 + repeats);
        KeepTerm(new QueryTerm
        {
            KeyOffset = _termKeysSize, KeySize = key.Size,
            Weight = FixedLogarithm.InverseDocumentFrequency(attribute.TextDocuments, frequency) * weight,
        });
        return true;
    }

    /// <summary>False if no document has the term, or while that is not known.</summary>
    private bool TryTerm(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> entry)
    {
        entry = default;
        if (_touching)
        {
            IsResident &= _trees.Postings.TouchPrefix(key);
            if (!_trees.Terms.Touch(key)) IsResident = false;
            if (!IsResident) return false;
        }
        return _trees.Terms.TryGet(key, out entry);
    }

    private bool AddPrefix(in AttributeRecord attribute, ReadOnlySpan<byte> token, ref ErrorText error)
    {
        if (!HasRoomForTerm(ref error)) return false;
        Keys key = new(_termKeys.Span[_termKeysSize..]);
        key.Namespace(_view.Number).Attribute(attribute.Number).TermPrefix(token);
        if (_touching)
        {
            IsResident &= _trees.Postings.TouchPrefix(key.Key);
            IsResident &= _trees.Terms.TouchPrefix(key.Key);
        }
        KeepTerm(new QueryTerm { KeyOffset = _termKeysSize, KeySize = key.Size, IsPrefix = true });
        return true;
    }

    private bool HasRoomForTerm(ref ErrorText error)
    {
        int texts = _termCount - _sparseTermCount;
        return texts < Limits.QueryTermsMax
            || OverLimit(ref error, "rank_by BM25 terms"u8, texts + 1, Limits.QueryTermsMax);
    }

    private void KeepTerm(in QueryTerm term)
    {
        _terms[_termCount++] = term;
        _termKeysSize += term.KeySize;
    }

    private readonly struct TokenOrder(TokenBuffer tokens) : IIndexOrder
    {
        public int Compare(int left, int right) => tokens.Text(left).SequenceCompareTo(tokens.Text(right));
    }
}
