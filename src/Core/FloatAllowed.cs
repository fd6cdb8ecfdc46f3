using System;

namespace Deterministic.Core;

/// <summary>Marks where floating point may be calculated with in the deterministic projects; everywhere else the scan
/// of the built assemblies refuses it. The reason says why every machine gets the same bits.</summary>
[AttributeUsage(AttributeTargets.Assembly | AttributeTargets.Class | AttributeTargets.Struct)]
public sealed class FloatAllowedAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}
