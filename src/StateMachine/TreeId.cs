namespace Deterministic.StateMachine;

/// <summary>The fixed set of trees. Numbers are in checkpoints: append only. Keys are in <see cref="Keys"/>.</summary>
public enum TreeId : byte
{
    /// <summary>Namespace name → <see cref="NamespaceRecord"/>.</summary>
    Namespaces = 0,

    /// <summary>Namespace number, attribute name → <see cref="AttributeRecord"/>.</summary>
    Attributes = 1,

    /// <summary>Namespace number, id → document number (u32).</summary>
    Ids = 2,

    /// <summary>Namespace number, document number → the row: its id and every value that is not a vector.</summary>
    Documents = 3,

    /// <summary>Namespace number, window → one bit per document number of the window, set while the document
    /// lives. Namespace number, 2³¹ + page → one bit per window of the page, set while the window has an entry
    /// (<see cref="Documents.LiveWindows"/>).</summary>
    Liveness = 4,

    /// <summary>Namespace number, attribute, window, first document in it (u16) → chunk of vectors.</summary>
    Vectors = 5,

    /// <summary>Namespace number, attribute, window, first document in it (u16) → chunk of values of a filterable
    /// attribute, or of token counts.</summary>
    Columns = 6,

    /// <summary>Namespace number, attribute, term (of sparse vectors a dimension) → number of live documents
    /// with the term and its last block of postings (<see cref="Postings.TermEntry"/>).</summary>
    Terms = 7,

    /// <summary>Namespace number, attribute, term, first document → block of postings.</summary>
    Postings = 8,

    /// <summary>Numbers of deleted namespaces whose entries are still being removed → tree (u8) and key up to which
    /// they are gone; empty before the first.</summary>
    Garbage = 9,

    /// <summary>Of the whole cluster: the name of a counter → its value (u64), and `key/` with the id of an API key →
    /// the key (<see cref="Access.KeyOperations"/>).</summary>
    Counters = 10,

    Count = 11,
}
