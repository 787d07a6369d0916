import Ledger
import Testing

@Suite struct KoiTests {
    @Test(arguments: [
        (0, "0"), (1, "0.000000001"), (50_000_000, "0.05"), (1_000_000_000, "1"), (12_500_000_000, "12.5"),
        (NanoKoi.max, "9223372036.854775807"),
    ])
    func `amounts read back as they are written`(amount: NanoKoi, text: String) {
        #expect(Koi.text(amount) == text)
        #expect(Koi.parse(text) == amount)
    }

    @Test(arguments: [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "1.0000000001", "9223372036.854775808", "1 ", "0x1", "1.2.3",
    ])
    func `what is no amount is refused`(text: String) { #expect(Koi.parse(text) == nil) }

    @Test func `gain is paid in proportion up to the scale`() {
        let policy = LedgerPolicy.standard
        #expect(policy.reward(forGain: 0) == 0)
        #expect(policy.reward(forGain: -5) == 0)
        #expect(policy.reward(forGain: 25_000) == 12_500_000_000)
        #expect(policy.reward(forGain: .max) == 25 * Koi.nanoKoi)
    }
}
