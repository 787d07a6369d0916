import Testing

@testable import Transport

@Suite struct HostPortTests {
    @Test(arguments: [
        ("127.0.0.1:7400", "127.0.0.1", 7400), ("[::1]:0", "::1", 0), ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
        ("hospital-a.example.org:65535", "hospital-a.example.org", 65535), ("klinik_ö:9", "klinik_ö", 9),
    ])
    func `a host and a port are read, and written the same way`(text: String, host: String, port: Int) throws {
        let place = try #require(HostPort(parsing: text))
        #expect(place == HostPort(host: host, port: UInt16(port)))
        #expect(place.description == text)
    }

    @Test(arguments: [
        "", ":", ":80", "host", "host:", "host:x", "host:-1", "host:+1", "host:65536", "host:99999999999999999999",
        "::1:80", "[::1]", "[]:80", "[1.2.3.4]:80", "a b:80", "a/b:80", "host:8 0", "host\u{0}:80", "[host:80",
        String(repeating: "a", count: 254) + ":80",
    ])
    func `anything else is refused`(text: String) {
        #expect(HostPort(parsing: text) == nil)
    }

    @Test func `numeric addresses are told from names`() {
        #expect(SocketAddress(numeric: HostPort(host: "10.0.0.1", port: 5))?.hostPort.description == "10.0.0.1:5")
        #expect(
            SocketAddress(numeric: HostPort(host: "2001:db8::1", port: 5))?.hostPort.description == "[2001:db8::1]:5")
        #expect(SocketAddress(numeric: HostPort(host: "localhost", port: 5)) == nil)
    }

    @Test func `an owner of addresses has one rate key`() throws {
        func key(_ host: String) throws -> UInt64 {
            try #require(SocketAddress(numeric: HostPort(host: host, port: 1))).rateKey
        }
        #expect(try key("10.1.2.3") == 0x0A01_0203)
        #expect(try key("::ffff:10.1.2.3") == key("10.1.2.3"))
        #expect(try key("2001:db8::1") == key("2001:db8::ffff:2"))
        #expect(try key("2001:db8:0:1::1") != key("2001:db8::1"))
    }

    @Test func `errors of the system become errors with a remedy`() {
        let place = HostPort(host: "127.0.0.1", port: 80)
        #expect(TransportError.listening(place, SystemError.accessDenied) == .permissionDenied(place))
        #expect(TransportError.listening(place, SystemError.addressInUse).description.contains("choose another port"))
        #expect(TransportError.dialing(place, SystemError.hostUnreachable) == .unreachable(place))
        #expect(TransportError.dialing(place, SystemError.brokenPipe).code == .system)
    }
}
