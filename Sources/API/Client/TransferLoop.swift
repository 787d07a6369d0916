import CCurl
import CShims
import Dispatch
import Synchronization

/// Runs any number of transfers on one thread, with one cache of open connections.
final class TransferLoop: Sendable {
    private struct Inbox {
        var submitted: [Transfer] = []
        var cancelled: [Transfer] = []
        var isRunning = false
        var isClosed = false
    }

    /// libcurl's multi handle: the loop's thread drives it, others only wake it, which is allowed.
    private struct Multi: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK

    private let multi: Multi
    private let inbox = Mutex(Inbox())

    init() {
        precondition(Self.isReady, "libcurl does not start")
        guard let pointer = curl_multi_init() else { preconditionFailure("out of memory") }
        multi = Multi(pointer: pointer)
    }

    /// Starts `transfer`; its result comes on the loop's thread.
    func submit(_ transfer: Transfer) {
        let starts = inbox.withLock { inbox in
            inbox.submitted.append(transfer)
            curl_multi_wakeup(multi.pointer)
            defer { inbox.isRunning = true }
            return !inbox.isRunning
        }
        if starts { DispatchQueue(label: "shoal.http-client").async { @Sendable in self.run() } }
    }

    /// Ends `transfer` with `cancelled`, unless it has ended by itself.
    func cancel(_ transfer: Transfer) {
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return }
            inbox.cancelled.append(transfer)
            curl_multi_wakeup(multi.pointer)
        }
    }

    /// Ends the thread; the owner has no transfer under way any more.
    func close() {
        let cleanUp = inbox.withLock { inbox in
            inbox.isClosed = true
            if inbox.isRunning { curl_multi_wakeup(multi.pointer) }
            return !inbox.isRunning
        }
        if cleanUp { curl_multi_cleanup(multi.pointer) }
    }

    private func run() {
        var active: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (submitted, cancelled, isClosed) = inbox.withLock { inbox in
                defer {
                    inbox.submitted = []
                    inbox.cancelled = []
                }
                return (inbox.submitted, inbox.cancelled, inbox.isClosed)
            }
            for transfer in submitted {
                active[transfer.easy] = transfer
                curl_multi_add_handle(multi.pointer, transfer.easy)
            }
            for transfer in cancelled where active.removeValue(forKey: transfer.easy) != nil {
                curl_multi_remove_handle(multi.pointer, transfer.easy)
                transfer.cancel()
            }
            if isClosed { break }
            var running: CInt = 0
            curl_multi_perform(multi.pointer, &running)
            var code: CInt = 0
            while let easy = shoal_curl_next_done(multi.pointer, &code) {
                curl_multi_remove_handle(multi.pointer, easy)
                active.removeValue(forKey: easy)?.finish(code)
            }
            curl_multi_poll(multi.pointer, nil, 0, 60_000, nil)
        }
        for transfer in active.values {
            curl_multi_remove_handle(multi.pointer, transfer.easy)
            transfer.cancel()
        }
        curl_multi_cleanup(multi.pointer)
    }
}
