/// A place to listen at or to dial: a host name or numeric address, and a TCP port.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
    /// The longest name DNS allows.
    public static let maxHostCount = 253

    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// 0 only for listening: any free port.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `name:port`, `1.2.3.4:port` or `[v6]:port`; nil for anything else. Whether the name exists is not
    /// looked up.
    public init?(parsing text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        if isBracketed { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, host.utf8.count <= Self.maxHostCount, host.contains(":") == isBracketed,
            host.utf8.allSatisfy(Self.isHostByte)
        else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Letters, digits and `-._:%` (the last for an IPv6 zone), and any byte beyond ASCII.
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
        default: "-._:%".utf8.contains(byte)
        }
    }

    /// The text that ``init(parsing:)`` reads.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
