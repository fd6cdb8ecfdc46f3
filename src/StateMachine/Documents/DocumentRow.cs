using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Documents;

/// <summary>Value of <see cref="TreeId.Documents"/>: the id (encoded value), u16 count, then attributes in the
/// ascending order of their numbers (u16 number, encoded value of the attribute's own type). Vectors and nulls are not
/// in it.</summary>
public readonly ref struct DocumentRow
{
    private readonly ReadOnlySpan<byte> _row;
    private readonly int _attributesStart;

    public DocumentRow(ReadOnlySpan<byte> row)
    {
        WireReader reader = new(row);
        Id = EncodedValue.Read(ref reader);
        AttributeCount = reader.U16();
        Check.That(!reader.Failed);
        _attributesStart = reader.Position;
        _row = row;
    }

    public EncodedValue Id { get; }
    public int AttributeCount { get; }
    public ReadOnlySpan<byte> Bytes => _row;

    /// <summary>Everything after the count.</summary>
    public ReadOnlySpan<byte> AttributeBytes => _row[_attributesStart..];

    public Enumerator Attributes => new(AttributeBytes);

    public bool TryFind(ushort number, out EncodedValue value)
    {
        Enumerator attributes = Attributes;
        while (attributes.MoveNext())
        {
            if (attributes.Number < number) continue;
            value = attributes.Value;
            return attributes.Number == number;
        }
        value = default;
        return false;
    }

    /// <summary>Walks attributes of a stored, therefore well-formed, row.</summary>
    public ref struct Enumerator(ReadOnlySpan<byte> attributes)
    {
        private WireReader _reader = new(attributes);
        private EncodedValue _value;

        public ushort Number { get; private set; }
        public readonly EncodedValue Value => _value;

        public bool MoveNext()
        {
            if (_reader.Remaining == 0) return false;
            Number = _reader.U16();
            _value = EncodedValue.Read(ref _reader);
            Check.That(!_reader.Failed);
            return true;
        }
    }
}
