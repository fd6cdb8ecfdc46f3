namespace Deterministic.Core;

/// <summary>Every fixed bound of the system. Sizes are bytes. What may differ between a production cluster and a
/// simulated one is in <see cref="Configuration"/>; what may not is here.</summary>
public static class Limits
{
    public const int SectorSize = 4096;
    public const int HeaderSize = 256;

    public const int BlockSizeMin = 16 << 10;
    public const int BlockSizeMax = 512 << 10;

    public const int ReplicasMax = 6;
    public const int StandbysMax = 6;

    /// <summary>Members of a cluster: replicas, then standbys.</summary>
    public const int MembersMax = ReplicasMax + StandbysMax;
    public const int SuperblockCopies = 4;
    public const int ReplicationQuorumMax = 3;

    /// <summary>Answer to a request that shares an entry of the log with others.</summary>
    public const int SharedReplySizeMax = 2048;

    /// <summary>Reads outside of the log that wait in one replica at a time.</summary>
    public const int ReadsMax = 64;

    public const int NamespaceNameSizeMax = 128;
    public const int AttributeNameSizeMax = 128;

    /// <summary>API keys of a cluster; every gateway holds all of them.</summary>
    public const int KeysMax = 1024;
    public const int KeyIdSizeMax = 32;
    public const int KeyNameSizeMax = 128;
    public const int KeyHashSize = 32;
    public const int AttributesPerNamespaceMax = 1024;
    public const int VectorColumnsMax = 8;
    public const int DimensionsMax = 10_752;
    public const int IdSizeMax = 64;
    public const int FilterableValueSizeMax = 4096;
    public const int ArrayElementsMax = 16_384;

    /// <summary>Bound of |x| for a vector element: with it no sum of squares over <see cref="DimensionsMax"/>
    /// overflows.</summary>
    public const float VectorElementMax = 1L << 40;

    /// <summary>Dimensions of one sparse vector; how many different ones a namespace has is not limited.</summary>
    public const int SparseDimensionsMax = 1024;
    public const int SparseDimensionNameSizeMax = TokenSizeMax;

    /// <summary>Dimensions of all sparse vectors that one sub-query ranks by.</summary>
    public const int QuerySparseDimensionsMax = 4096;

    public const int ResultsMax = 10_000;
    public const int GroupsMax = 10_000;
    public const int SubqueriesMax = 16;
    public const int AggregatesMax = 64;
    public const int GroupByAttributesMax = 8;
    public const int ComputedAttributesMax = 256;

    /// <summary>Vectors to compare with in one sub-query.</summary>
    public const int QueryVectorsMax = 16;
    public const int HighlightFragmentsMax = 1024;
    public const int HighlightClausesMax = 64;

    /// <summary>Steps of all highlights of a request, about two for each byte of the texts.</summary>
    public const long HighlightWorkMax = 1L << 26;
    public const int OrderByAttributesMax = 8;
    public const int FilterNodesMax = 1024;
    public const int FilterDepthMax = 32;

    /// <summary>Bytes of a glob, a regular expression or the text of a fuzzy filter.</summary>
    public const int PatternSizeMax = 2048;

    /// <summary>Such filters in one request.</summary>
    public const int PatternsMax = 256;

    /// <summary>Instructions that a pattern may come to; a counted repetition has its content as many times.</summary>
    public const int PatternCodeMax = 8192;

    /// <summary>Instructions of all patterns in the conditions of a write, which are tested row by row.</summary>
    public const int ConditionCodeMax = 1024;

    /// <summary>Steps of matching, about one for a byte of text, that one walk over a namespace may take.</summary>
    public const long PatternWorkMax = 1L << 30;

    public const int RankNodesMax = 256;
    public const int RankDepthMax = 16;
    public const int QueryTextSizeMax = 8192;
    public const int QueryTermsMax = 1024;
    public const int NamespacePageMax = 1000;

    /// <summary>Rows and ids of one write in JSON, however many entries of the log it becomes: each is an object in the
    /// memory of who reads it, whatever its text takes.</summary>
    public const int WriteRowsMax = 1_000_000;
    public const int ByFilterRowsMax = 50_000;

    /// <summary>Documents of a namespace that is branched.</summary>
    public const int BranchRowsMax = 50_000;

    public const int TokenSizeMax = 254;
    public const int TokenSizeDefault = 39;

    /// <summary>Documents per evaluation window: a query walks the document numbers of a namespace in steps of
    /// this.</summary>
    public const int WindowDocuments = 4096;
}
