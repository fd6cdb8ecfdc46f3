using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class JournalRecoveryTests
{
    [Fact]
    public void Exactly_one_rule_applies_to_every_combination_of_facts()
    {
        for (int facts = 0; facts < 1 << 11; facts++)
        {
            int matches = 0;
            foreach (SlotRule rule in JournalRecovery.Rules)
            {
                if (rule.Matches((SlotFacts)facts)) matches++;
            }
            Assert.True(matches == 1, $"{(SlotFacts)facts}: {matches} rules");
        }
    }

    [Theory]
    [InlineData(SlotFacts.None, 'A')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.HeaderReserved, 'B')]
    [InlineData(SlotFacts.HeaderOk, 'C')]
    [InlineData(SlotFacts.PrepareOk | SlotFacts.PrepareReserved, 'D')]
    [InlineData(SlotFacts.PrepareOk, 'E')]
    [InlineData(SlotFacts.PrepareOk | SlotFacts.PrepareIsHead, 'F')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.HeaderReserved | SlotFacts.PrepareOk, 'G')]
    [InlineData(SlotFacts.PrepareOk | SlotFacts.PrepareAboveLimit, 'H')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.HeaderAboveLimit | SlotFacts.PrepareOk, 'I')]
    [InlineData(
        SlotFacts.HeaderOk | SlotFacts.HeaderAboveLimit | SlotFacts.PrepareOk | SlotFacts.PrepareReserved, 'J')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk | SlotFacts.PrepareReserved, 'K')]
    [InlineData(
        SlotFacts.HeaderOk | SlotFacts.HeaderReserved | SlotFacts.PrepareOk | SlotFacts.PrepareReserved, 'L')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk | SlotFacts.HeaderOlder, 'M')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk, 'N')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk | SlotFacts.OpsEqual, 'O')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk | SlotFacts.OpsEqual | SlotFacts.ViewsEqual, 'Q')]
    [InlineData(SlotFacts.HeaderOk | SlotFacts.PrepareOk | SlotFacts.ChecksumsEqual, 'P')]
    public void Rules_are_found_by_their_facts(SlotFacts facts, char name) =>
        Assert.Equal(name, JournalRecovery.Decide(facts).Name);

    [Fact]
    public void Damage_is_never_decided_silently()
    {
        foreach (SlotRule rule in JournalRecovery.Rules)
        {
            bool damaged = rule.Many == SlotDecision.Repair && (rule.Clear & SlotFacts.PrepareOk) != 0;
            if (!damaged) continue;
            Assert.True(rule.One is SlotDecision.Abort or SlotDecision.AbortUnlessTorn, rule.Name.ToString());
        }
    }
}
