import Glibc
import Synchronization
import Testing

@testable import Transport

extension Sockets {
    @Suite struct EventLoopTests {
        private final class Notes: Sendable {
            private let notes = Mutex<[Int]>([])
            func add(_ note: Int) { notes.withLock { $0.append(note) } }
            var all: [Int] { notes.withLock { $0 } }
        }

        @Test func `jobs run in the order of posting, and all of them before the loop ends`() throws {
            let loop = try EventLoop()
            let notes = Notes()
            for number in 0..<1_000 { loop.post { notes.add(number) } }
            loop.start()
            loop.stop()
            loop.join()
            #expect(notes.all == Array(0..<1_000))
        }

        @Test func `a job from any thread wakes the loop`() async throws {
            let loop = try EventLoop()
            loop.start()
            let sum = try await withThrowingTaskGroup { group in
                for number in 0..<100 { group.addTask { try await loop.perform { number } } }
                return try await group.reduce(0, +)
            }
            #expect(sum == 4_950)
            loop.stop()
            loop.join()
        }

        @Test func `a loop that has ended refuses jobs`() async throws {
            let loop = try EventLoop()
            loop.stop()
            loop.run()
            #expect(!loop.post {})
            await #expect(throws: TransportError.shutDown) { try await loop.perform {} }
        }

        @Test func `timers fire in the order of their deadlines, cancelled ones never`() throws {
            let loop = try EventLoop()
            let notes = Notes()
            let begin = loop.now
            let cancelled = loop.after(milliseconds: 2) { notes.add(0) }
            loop.after(milliseconds: 20) {
                notes.add(3)
                #expect(loop.now >= begin + 20)
                loop.stop()
            }
            loop.after(milliseconds: 1) { notes.add(1) }
            loop.after(milliseconds: 10) { notes.add(2) }
            cancelled.cancel()
            cancelled.cancel()
            loop.run()
            #expect(notes.all == [1, 2, 3])
        }

        @Test func `a deferred call runs before the loop waits, what it defers in the next turn`() throws {
            let loop = try EventLoop()
            let notes = Notes()
            loop.later {
                notes.add(1)
                loop.later {
                    notes.add(3)
                    loop.stop()
                }
                notes.add(2)
            }
            loop.run()
            #expect(notes.all == [1, 2, 3])
        }

        @Test func `a signal reaches its watch`() throws {
            let loop = try EventLoop()
            let notes = Notes()
            try loop.onSignal(SIGUSR1) {
                notes.add(1)
                loop.stop()
            }
            loop.post { kill(getpid(), SIGUSR1) }
            loop.run()
            #expect(notes.all == [1])
        }

        @Test func `an impossible signal is an error`() throws {
            let loop = try EventLoop()
            #expect(throws: TransportError.self) { try loop.onSignal(SIGKILL) {} }
        }

        @Test func `a descriptor of the caller can be watched`() throws {
            let loop = try EventLoop()
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            let (reader, writer) = (ends[0], ends[1])
            let notes = Notes()
            let watch = try loop.poll(reader, for: .readable) { ready in
                #expect(ready == .readable)
                var byte: UInt8 = 0
                if read(reader, &byte, 1) == 1 {
                    notes.add(Int(byte))
                    close(writer)
                } else {
                    notes.add(-1)
                    loop.stop()
                }
            }
            loop.post { [writer] in
                var byte: UInt8 = 7
                write(writer, &byte, 1)
            }
            loop.run()
            close(reader)
            #expect(notes.all == [7, -1] && watch.isClosing)
        }

        @Test func `a file that cannot be watched is an error`() throws {
            let loop = try EventLoop()
            #expect(throws: TransportError.self) { try loop.poll(-1, for: .readable) { _ in } }
        }

        @Test func `a loop that never ran gives everything back`() throws {
            _ = try EventLoop()
            let before = openDescriptors()
            for _ in 0..<10 {
                let loop = try EventLoop()
                loop.after(milliseconds: 1_000) {}
            }
            #expect(openDescriptors() == before)
        }
    }
}
