using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Query;

namespace Deterministic.StateMachine.Prefetch;

/// <summary>Names what an operation reads and changes. It starts anew each time that it is asked and goes as deep as
/// what is in memory lets it, so each call names all that can be named at once; when nothing is missing, everything
/// has been named.</summary>
internal sealed class Prefetcher(
    Trees trees, QueryExecutor queries, WritePrefetch writes, BranchOperation branches)
{
    /// <summary>True once the operation can be committed.</summary>
    /// <param name="context">Its op tells whether it is the same operation as before.</param>
    /// <param name="body">Of the request.</param>
    /// <param name="purges">Whether the operation also removes what deleted namespaces have left.</param>
    public bool Run(in OperationContext context, ReadOnlySpan<byte> body, bool purges)
    {
        if (trees.Forest.IsReading(context.Op)) return false;
        bool ended = Touch(context, body, purges);
        return ended || (trees.Forest.TryLift() && Touch(context, body, purges));
    }

    private bool Touch(in OperationContext context, ReadOnlySpan<byte> body, bool purges)
    {
        trees.Forest.PrefetchStart(context.Op);
        if (purges) NamespacePrefetch.TouchGarbage(trees);
        if (context.Operation == Operation.Batch) RunBatch(context, body);
        else RunOne(context, body);
        return trees.Forest.PrefetchEnd();
    }

    private void RunBatch(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (BatchBody.Judge(body) != BatchFault.None) return;
        WireReader reader = new(body);
        int count = reader.U16();
        writes.Begin(isBatch: count > 1);
        for (int i = 0; i < count; i++)
        {
            OperationContext one = new(context.Op, context.Timestamp, (Operation)reader.U8());
            reader.Bytes(3);
            ReadOnlySpan<byte> part = reader.Bytes(reader.U32());
            Touch(one, i, reader.Position - part.Length, part);
        }
        writes.End(body);
    }

    private void RunOne(in OperationContext context, ReadOnlySpan<byte> body)
    {
        writes.Begin(isBatch: false);
        Touch(context, 0, 0, body);
        writes.End(body);
    }

    private void Touch(in OperationContext context, int part, int offset, ReadOnlySpan<byte> body)
    {
        switch (context.Operation)
        {
            case Operation.Write:
                writes.TouchWrite(context, offset, body);
                break;
            case Operation.UpdateSchema:
                writes.TouchUpdateSchema(body);
                break;
            case Operation.DeleteNamespace:
                writes.TouchDelete(body);
                break;
            case Operation.Branch:
                writes.TouchBranch(body, branches);
                break;
            case Operation.Query or Operation.Explain:
                queries.Prefetch(context.Op, part, body);
                break;
            case Operation.ListNamespaces:
                NamespacePrefetch.TouchList(trees, body);
                break;
            case Operation.Metadata or Operation.Schema:
                NamespacePrefetch.TouchNamed(trees, body);
                break;
            case Operation.CreateKey or Operation.RevokeKey:
                KeyPrefetch.TouchNamed(trees, body);
                break;
            case Operation.ListKeys:
                KeyPrefetch.TouchList(trees, body);
                break;
        }
    }
}
