using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Memory;

/// <summary>All pages of a memtable. Page 0 is none. A page that was never used costs address space only.</summary>
internal sealed unsafe class PagePool
{
    private readonly NativeBuffer _memory;
    private readonly NativeBuffer _scratch;
    private readonly StaticMemory _source;
    private uint _fresh = 1;

    /// <summary>Pages up to here may have been used and not been given back.</summary>
    private uint _residentEnd = 1;
    private uint _free;

    public PagePool(StaticMemory memory, long pagesMax)
    {
        Check.That(pagesMax > 0 && pagesMax < uint.MaxValue);
        _source = memory;
        _memory = memory.Take((pagesMax + 1) * Page.Size, Page.Size);
        _scratch = memory.Take(Page.Size);
    }

    public byte* Scratch => _scratch.Pointer;
    public long UsedPages { get; private set; }

    public Page this[uint page] => new(unchecked(_memory.Pointer + (nuint)page * Page.Size));

    public uint Allocate(byte level)
    {
        uint page = _free;
        if (page != 0)
        {
            _free = this[page].Header.Next;
        }
        else
        {
            page = _fresh++;
            Check.That((long)(page + 1) * Page.Size <= _memory.Length);
            if (_fresh > _residentEnd) _residentEnd = _fresh;
        }
        UsedPages++;
        this[page].Initialize(level);
        return page;
    }

    public void Free(uint page)
    {
        Check.That(page > 0 && page < _fresh);
        this[page].Initialize(0);
        this[page].Header.Next = _free;
        _free = page;
        UsedPages--;
    }

    /// <summary>Frees all pages. Those that this filling did not use go back to the system: what one large operation
    /// took is not kept for good.</summary>
    public void Clear()
    {
        if (_fresh < _residentEnd)
            _source.GiveBack(_memory.Part((long)_fresh * Page.Size, (long)(_residentEnd - _fresh) * Page.Size));
        _residentEnd = _fresh;
        _fresh = 1;
        _free = 0;
        UsedPages = 0;
    }

    public bool Contains(byte* pointer) => pointer >= _memory.Pointer && pointer < _memory.Pointer + _memory.Length;
}
