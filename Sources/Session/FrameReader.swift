import Wire

/// Cuts a byte stream into frames, whatever the borders of the chunks it comes in.
///
/// Every byte is copied once, into the body it belongs to. At most one unfinished body is held, and
/// its length was checked before the first byte of it was kept: at most 256 KiB of memory, 4 KiB before HELLO.
/// After an error the stream has no known frame border any more: give up the connection.
public struct FrameReader: Sendable {
    public enum Item: Sendable, Equatable {
        case frame(Frame)
        /// A whole frame of an unknown type that may be ignored; only its head was kept.
        case skipped(FrameHeader)
    }

    /// No other type than HELLO is taken, and none longer than 4 KiB. The owner clears it.
    public var onlyHello: Bool
    private var head = Bytes()
    private var header: FrameHeader?
    private var body = Bytes()
    /// Bytes of the body that have not arrived.
    private var missing = 0

    public init(onlyHello: Bool) { self.onlyHello = onlyHello }

    /// Bytes held of a frame that is not complete.
    public var buffered: Int { head.count + body.count }

    /// Takes bytes from the front of `input` until a frame is complete.
    ///
    /// - Returns: the frame, or nil when `input` is used up: go on with the next chunk.
    public mutating func next(from input: inout ArraySlice<UInt8>) throws(LinkError) -> Item? {
        guard let header = try readHead(from: &input) else { return nil }
        guard readBody(of: header, from: &input) else { return nil }
        self.header = nil
        head.removeAll(keepingCapacity: true)
        switch header.content {
        case .known(let kind):
            let frame = Frame(kind: kind, body: body)
            body = []
            return .frame(frame)
        case .skippable:
            return .skipped(header)
        }
    }

    private mutating func readHead(from input: inout ArraySlice<UInt8>) throws(LinkError) -> FrameHeader? {
        if let header { return header }
        let part = input.prefix(FrameHeader.bytes - head.count)
        head += part
        input = input.dropFirst(part.count)
        guard head.count == FrameHeader.bytes else { return nil }
        let header = try FrameHeader(head, onlyHello: onlyHello)
        self.header = header
        missing = header.length
        return header
    }

    /// True when the body is complete.
    private mutating func readBody(of header: FrameHeader, from input: inout ArraySlice<UInt8>) -> Bool {
        let part = input.prefix(missing)
        input = input.dropFirst(part.count)
        if case .known = header.content, !part.isEmpty {
            if body.isEmpty { body.reserveCapacity(header.length) }
            body += part
        }
        missing -= part.count
        return missing == 0
    }
}
