import Synchronization
import Testing

@testable import Storage

@Suite struct ThreadMemoryTests {
    private final class Batch: Sendable {}

    @Test func `a job that is done holds on to nothing while others wait`() {
        let thread = StorageThread(name: "test")
        let gate = Monitor(false)
        let started = Monitor(false)
        weak let batch: Batch?
        do {
            let made = Batch()
            batch = made
            thread.submit { withExtendedLifetime(made) {} }
        }
        thread.submit {
            started.change { $0 = true }
            gate.wait { $0 ? () : nil }
        }
        thread.submit {}
        started.wait { $0 ? () : nil }
        #expect(batch == nil)
        gate.change { $0 = true }
        thread.finish()
    }
}
