import API
import Peer
import Testing

@testable import Daemon

@Suite struct VoidProblemTests {
    /// The codes of `StateFold`; those of votes and of the ledger have the general remedy.
    @Test(arguments: [
        "not-account-log", "has-left", "forked", "not-owner", "unknown-model", "forged-proof", "invalid-body",
        "unsupported-kind", "wrong-time", "something-else",
    ])
    func `a word without effect is told with its cause and a remedy`(code: String) throws {
        let problem = Problem.void(VoidReason(code: code, detail: "the cause"))
        #expect(problem.status == 409 && problem.code == code && problem.detail == "the cause")
        #expect(try #require(problem.remedy).count > 20)
    }
}
