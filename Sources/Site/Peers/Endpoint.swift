/// Where a peer listens: a host name or numeric address, and a TCP port.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The longest name DNS allows.
    public static let maxHostBytes = 253

    /// A name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    /// 0 stands for any free port and is good for listening alone.
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `name:port`, `1.2.3.4:port` or `[v6]:port`; nil for anything else. Looks nothing up.
    public init?(parsing text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else { return nil }
        var host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.utf8.count >= 2
        if isBracketed { host = host.dropFirst().dropLast() }
        guard (1...Self.maxHostBytes).contains(host.utf8.count), host.contains(":") == isBracketed,
            host.utf8.allSatisfy({ Self.isHostByte($0) })
        else { return nil }
        self.init(host: String(host), port: port)
    }

    /// Whether another machine can be told to dial this: not every address of the one that listens, or any free port.
    public var canBeDialled: Bool { port != 0 && host != "0.0.0.0" && host != "::" }

    /// Letters, digits and `-._:%` (the last for an IPv6 zone).
    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._:%".utf8.contains(byte)
        }
    }

    /// The text that ``init(parsing:)`` reads.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
