internal import CUV
internal import Wire

extension Connection {
    /// Ciphertext made at a time: more only fills memory, less costs system calls.
    private static let batch = 64 << 10
    /// Batches sent in one turn before the other connections have theirs.
    private static let batchesPerTurn = 8

    /// Bytes that the system has not taken yet.
    var unsent: Int { queue.count + inFlight + backlog.count }

    func write(_ bytes: Bytes) {
        guard phase == .open, !bytes.isEmpty else { return }
        queue.append(bytes)
        account()
        let limits = transport.limits
        if unsent > limits.drained { oweDrained = true }
        if unsent > limits.unsent { return end(.unsentLimit(bytes: limits.unsent)) }
        scheduleFlush()
    }

    /// Small writes of one turn leave together.
    func scheduleFlush() {
        guard !isFlushScheduled, inFlight == 0 else { return }
        isFlushScheduled = true
        transport.loop.later { [self] in
            isFlushScheduled = false
            flush()
        }
    }

    /// Encrypts and sends until the system takes no more: plaintext stays plaintext until its turn comes.
    private func flush() {
        guard phase == .open || phase == .lingering, !isClosing else { return }
        var batches = 0
        while inFlight == 0, !isClosing {
            encryptBatch()
            if phase == .lingering, queue.isEmpty, !saidGoodbye {
                saidGoodbye = true
                tls.shutdown()
            }
            if transport.context.output.isEmpty { break }
            batches += 1
            sendOutput(wait: batches > Self.batchesPerTurn)
        }
        guard !isClosing else { return }
        if saidGoodbye, inFlight == 0 { finishSending() }
        tellDrained()
    }

    private func encryptBatch() {
        let context = transport.context
        while !queue.isEmpty, context.output.count < Self.batch {
            let error = queue.takeRecord(scratch: context.record) { record in
                transport.counters.sent += UInt64(record.count)
                return tls.write(record)
            }
            if let error {
                context.clearOutput()
                return end(error)
            }
        }
    }

    /// Takes what TLS produced and sends it, in order.
    /// - Parameter wait: leave it to the next turn of the loop even if the system would take it now.
    func sendOutput(wait: Bool = false) {
        let context = transport.context
        let output = context.output
        guard !output.isEmpty, !isClosing else { return context.clearOutput() }
        defer {
            context.clearOutput()
            account()
        }
        if inFlight > 0 {
            backlog.append(contentsOf: output)
            return
        }
        var taken = 0
        if !wait {
            var buffer = uv_buf_init(
                UnsafeMutablePointer(mutating: output.assumingMemoryBound(to: CChar.self).baseAddress),
                UInt32(output.count))
            let status = uv_try_write(pointer(), &buffer, 1)
            if status < 0, status != SystemError.tryAgain { return endBySocket(status) }
            taken = max(0, Int(status))
            transport.counters.rawSent += UInt64(taken)
        }
        if taken < output.count { startWrite(UnsafeRawBufferPointer(rebasing: output[taken...])) }
    }

    /// Hands a copy of `bytes` to libuv, request and copy in one block of memory.
    private func startWrite(_ bytes: UnsafeRawBufferPointer) {
        let header = MemoryLayout<uv_write_t>.stride
        let block = UnsafeMutableRawPointer.allocate(byteCount: header + bytes.count, alignment: 16)
        let copy = block + header
        copy.copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
        let request = block.bindMemory(to: uv_write_t.self, capacity: 1)
        var buffer = uv_buf_init(copy.assumingMemoryBound(to: CChar.self), UInt32(bytes.count))
        inFlight = bytes.count
        let status = uv_write(request, pointer(), &buffer, 1) { request, status in
            let connection = Connection.owner(of: request!.pointee.handle)
            UnsafeMutableRawPointer(request!).deallocate()
            connection.wrote(status)
        }
        if status != 0 {
            block.deallocate()
            endBySocket(status)
        }
    }

    private func wrote(_ status: Int32) {
        guard !isClosing else { return }
        if status < 0 { return endBySocket(status) }
        transport.counters.rawSent += UInt64(inFlight)
        inFlight = 0
        if !backlog.isEmpty {
            let bytes = backlog
            backlog = []
            bytes.withUnsafeBytes { startWrite($0) }
        }
        account()
        flush()
    }

    /// After the goodbye: tells the system that nothing follows.
    private func finishSending() {
        guard !isFinishing else { return }
        isFinishing = true
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let status = uv_shutdown(request, pointer()) { request, status in
            let connection = Connection.owner(of: request!.pointee.handle)
            request!.deallocate()
            connection.didSendAll(status)
        }
        if status != 0 {
            request.deallocate()
            endBySocket(status)
        }
    }

    private func didSendAll(_ status: Int32) {
        guard !isClosing else { return }
        if status < 0 { return endBySocket(status) }
        sentAll = true
        if remoteEnded { end(nil) }
    }

    private func tellDrained() {
        guard oweDrained, phase == .open, unsent <= transport.limits.drained else { return }
        oweDrained = false
        transport.emit(.drained(id))
    }

    /// Brings the transport's total up to date.
    func account() {
        transport.counters.unsent += unsent - accounted
        accounted = unsent
    }
}
