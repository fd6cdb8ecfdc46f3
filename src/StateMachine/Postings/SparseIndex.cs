namespace Deterministic.StateMachine.Postings;

/// <summary>Keeps the postings of sparse attributes equal to what the live documents hold: a dimension's name is the
/// term, and the bits of its weight stand where a text has the frequency. Values are stored ones.</summary>
public sealed class SparseIndex(PostingLists lists)
{
    public void Add(ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue value)
    {
        SparseVector vector = new(value.Payload);
        while (vector.MoveNext())
            lists.Add(namespaceNumber, attribute.Number, vector.Name, document, vector.Weight, positions: default);
    }

    public void Remove(ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue value)
    {
        SparseVector vector = new(value.Payload);
        while (vector.MoveNext()) lists.Remove(namespaceNumber, attribute.Number, vector.Name, document);
    }

    /// <summary>Asks for what adding or removing one value needs.</summary>
    public void Touch(ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue value)
    {
        if (lists.IsResident(namespaceNumber, attribute.Number)) return;
        SparseVector vector = new(value.Payload);
        while (vector.MoveNext()) lists.Touch(namespaceNumber, attribute.Number, vector.Name, document);
    }
}
