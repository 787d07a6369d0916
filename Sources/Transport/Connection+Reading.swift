internal import CUV
internal import Wire

extension Connection {
    /// Lets the system deliver what arrives, into the buffer that all connections share.
    func startReading() {
        guard !isReading, !remoteEnded, !isClosing else { return }
        isReading = true
        let status = uv_read_start(
            pointer(),
            { handle, _, buffer in
                let input = Connection.owner(of: handle).transport.context.input
                buffer!.pointee = uv_buf_init(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(input.count))
            },
            { stream, count, _ in Connection.owner(of: stream).arrived(count) })
        if status != 0 { endBySocket(status) }
    }

    /// Leaves what arrives with the system, which soon slows the other side down.
    func stopReading() {
        guard isReading, phase == .open else { return }
        isReading = false
        uv_read_stop(pointer())
    }

    private func arrived(_ count: Int) {
        if count == 0 || isClosing { return }
        if count == Int(SystemError.endOfFile) { return ended() }
        if count < 0 { return endBySocket(Int32(count)) }
        transport.counters.rawReceived += UInt64(count)
        switch phase {
        case .connecting, .lingering: return
        case .handshaking, .open: break
        }
        tls.offer(UnsafeRawBufferPointer(rebasing: transport.context.input[..<count]))
        defer { tls.withdraw() }
        if phase == .handshaking, !stepHandshake() { return }
        decrypt()
    }

    /// Delivers what was offered, until the receiver has enough of this connection.
    private func decrypt() {
        let plain = transport.context.plain
        while phase == .open, !isClosing {
            let reading = tls.read(into: plain)
            sendOutput()
            if reading.count > 0 {
                transport.counters.received += UInt64(reading.count)
                transport.emit(.received(id, Bytes(plain[..<reading.count])))
            }
            switch reading.end {
            case .bufferFull: continue
            case .needsMore: return
            case .failed(let error): return end(error)
            case .goodbye:
                remoteSaidGoodbye = true
                return linger()
            }
        }
    }

    /// The other side sends nothing more.
    private func ended() {
        remoteEnded = true
        isReading = false
        switch phase {
        case .connecting, .handshaking: end(.handshakeFailed(reason: "the other side hung up"))
        case .open: end(.truncated)
        case .lingering: if sentAll { end(nil) }
        }
    }
}
