using Deterministic.Core.Memory;

namespace Deterministic.Core.Objects;

/// <summary>Under which condition a put counts.</summary>
public enum PutCondition : byte
{
    None = 0,

    /// <summary>No object has the key yet.</summary>
    IfAbsent = 1,

    /// <summary>An object has the key, with the tag that the caller gives.</summary>
    IfMatch = 2,
}

public enum ObjectStatus : byte
{
    Ok = 0,

    /// <summary>No object has the key, or no upload the number.</summary>
    NotFound = 1,

    /// <summary>The condition did not hold; nothing was changed. After a lost acknowledgement the caller may meet its
    /// own earlier success here.</summary>
    ConditionFailed = 2,

    /// <summary>The store asks for fewer requests; nothing was changed.</summary>
    Throttled = 3,

    /// <summary>No usable answer: the request has taken effect, or not, or may still do so later.</summary>
    Unknown = 4,

    /// <summary>Refused for good (credentials, bucket, rights, room): an operator has to act.</summary>
    Refused = 5,

    /// <summary>The content is larger than the store takes in one request, or a listing's buffer has no room for one
    /// key; nothing was changed.</summary>
    TooLarge = 6,
}

/// <summary>How one request ended.</summary>
public readonly struct ObjectResult
{
    public ObjectStatus Status { get; init; }

    /// <summary>Bytes put into the caller's buffer.</summary>
    public int Size { get; init; }

    /// <summary>Size of the whole object, where the request read one.</summary>
    public long ObjectSize { get; init; }

    /// <summary>Of the object that was made, or read as a whole; empty where a store does not know the tag of an
    /// object that it read a part of.</summary>
    public ObjectTag Tag { get; init; }

    /// <summary>The multipart upload that was begun.</summary>
    public uint Upload { get; init; }
}

/// <summary>Objects in a bucket or directory. Never waits: each call ends in exactly one later
/// <c>OnObject(token, result)</c> of the owner, never during the call itself. Keys are ASCII
/// (<c>[a-z0-9/._-]</c>, at most <see cref="ObjectKey.SizeMax"/> bytes) and are copied by the call; buffers belong to
/// the store until the request has ended. A put that ended with Ok is durable and is seen by every later get; listings
/// may lag behind. Requests that are under way at the same time take effect in any order, and one that ended with
/// Unknown may do so much later: what changes should be put on condition.</summary>
public interface IObjectStore
{
    /// <summary>Smallest part that every S3 server takes, but for the last one of an upload.</summary>
    public const int PartSizeMin = 5 << 20;

    /// <summary>Most parts of one upload.</summary>
    public const int PartsMax = 10_000;

    /// <summary>Requests that may be under way at a time; more is a mistake of the owner.</summary>
    public const int RequestsMax = 256;

    /// <summary>Makes an object. <paramref name="tag"/> is used with <see cref="PutCondition.IfMatch"/>
    /// only.</summary>
    void Put(uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag);

    /// <summary>Reads from <paramref name="offset"/> on until the object or the buffer ends; Size 0 from the end of the
    /// object on.</summary>
    void Get(uint token, in ObjectKey key, long offset, NativeBuffer into);

    /// <summary>Keys with the prefix, in byte order, above <paramref name="after"/> (empty: from the first): into the
    /// buffer as size u8 and bytes each, as many as fit or as the store gives at a time; Size 0 means that there are
    /// no more.</summary>
    void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into);

    /// <summary>Removes an object; Ok also if there was none.</summary>
    void Delete(uint token, in ObjectKey key);

    /// <summary>Begins an object that comes in parts; the result gives the upload a number, valid until it is
    /// completed or aborted, or the process ends.</summary>
    void MultipartStart(uint token, in ObjectKey key);

    /// <summary>One part, numbered from 1; all but the last have the same size, at least
    /// <see cref="PartSizeMin"/>. The same part may be sent again, and the last one counts.</summary>
    void MultipartPart(uint token, uint upload, int part, NativeBuffer content);

    /// <summary>Makes the object out of the parts 1 to <paramref name="parts"/>; before that nobody sees it. With Ok
    /// the number is void; after any other end the upload can be completed again or aborted, where after Unknown
    /// NotFound may mean that it had been completed. <see cref="PutCondition.IfMatch"/> is not offered.</summary>
    void MultipartComplete(uint token, uint upload, int parts, PutCondition condition);

    /// <summary>Forgets an upload and its parts. With Ok or NotFound the number is void. Uploads of a process that
    /// ended are for the store's own rules to remove.</summary>
    void MultipartAbort(uint token, uint upload);
}
