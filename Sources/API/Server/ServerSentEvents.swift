/// One server-sent event (HTML Living Standard, 9.2).
public struct ServerEvent: Sendable, Equatable {
    /// The kind; `message` if the sender named none.
    public var name: String
    /// The payload, usually one JSON document; it may have several lines.
    public var data: String
    /// A position the client can resume from.
    public var id: String?

    public init(name: String = "message", data: String, id: String? = nil) {
        self.name = name
        self.data = data
        self.id = id
    }

    /// An event with a JSON payload.
    public init(name: String, json value: some Encodable, id: String? = nil) throws(Problem) {
        self.init(name: name, data: String(decoding: try JSON.encode(value), as: UTF8.self), id: id)
    }

    /// The event as it goes on the wire. Line breaks in `name` and `id` would end the field: they are dropped.
    var bytes: [UInt8] {
        func line(_ text: String) -> String { String(text.filter { !$0.isLineBreak && $0 != "\0" }) }
        var text = ""
        if let id { text += "id: \(line(id))\n" }
        if name != "message" { text += "event: \(line(name))\n" }
        for part in data.split(omittingEmptySubsequences: false, whereSeparator: \.isLineBreak) {
            text += "data: \(part)\n"
        }
        return Array((text + "\n").utf8)
    }
}

/// Sends server-sent events to one client.
public struct EventWriter: Sendable {
    let stream: StreamWriter

    /// Sends an event, waiting while the client is behind.
    public func send(_ event: ServerEvent) async throws(APIError) {
        try await stream.write(event.bytes)
    }

    /// Sends an event without waiting; false if the client is too far behind or gone, and nothing was sent.
    @discardableResult
    public func offer(_ event: ServerEvent) -> Bool {
        stream.offer(event.bytes)
    }
}

/// Splits a byte stream into events; a receiver's state between two reads.
struct EventParser {
    /// A larger event is an error, not a reason to grow.
    static let maxEventBytes = 16 << 20

    private var line: [UInt8] = []
    private var size = 0
    private var afterCarriageReturn = false
    private var event = ServerEvent(data: "")
    private var hasData = false

    /// The events that `bytes` complete; nil if one is too large.
    mutating func feed(_ bytes: [UInt8]) -> [ServerEvent]? {
        var events: [ServerEvent] = []
        for byte in bytes {
            let endsCRLF = afterCarriageReturn && byte == UInt8(ascii: "\n")
            afterCarriageReturn = byte == UInt8(ascii: "\r")
            if endsCRLF { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let event = endLine() { events.append(event) }
                line.removeAll(keepingCapacity: true)
            } else {
                size += 1
                guard size <= Self.maxEventBytes else { return nil }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> ServerEvent? {
        guard !line.isEmpty else {
            defer {
                event = ServerEvent(data: "", id: event.id)
                hasData = false
                size = 0
            }
            return hasData ? event : nil
        }
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count == 2 ? parts[1] : []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "event": event.name = text
        case "id": event.id = text
        case "data":
            event.data += hasData ? "\n\(text)" : text
            hasData = true
        default: break
        }
        return nil
    }
}

extension Character {
    /// What ends a line in an event stream; other separators, such as U+2028, are text.
    fileprivate var isLineBreak: Bool { self == "\n" || self == "\r" || self == "\r\n" }
}
