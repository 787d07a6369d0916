import Identity
import Testing
import Wire

@testable import Site

@Suite struct TicketTests {
    private let ticket = Ticket(
        inviter: testKeyPair.peerID, network: NetworkID(Bytes(repeating: 7, count: 32))!,
        secret: Bytes(repeating: 5, count: 16), expires: 1_800_000_000, name: SiteName("west")!,
        networkName: SiteName("clinics")!,
        addresses: [Endpoint(host: "north.example", port: 7447), Endpoint(host: "2001:db8::1", port: 7447)])

    private func failure(_ text: String) -> SiteError? {
        error { () throws(SiteError) in _ = try Ticket(parsing: text) }
    }

    @Test func `a ticket is one line that reads back, whatever white space a mail put in`() throws {
        let text = ticket.text
        #expect(!text.contains { $0.isWhitespace } && text.utf8.count < 400)
        #expect(try Ticket(parsing: text) == ticket)
        let folded = text.prefix(60) + "\n  " + text.dropFirst(60) + "\r\n"
        #expect(try Ticket(parsing: String(folded)) == ticket)
    }

    @Test func `every cut and every altered character is refused, and said to be one`() {
        let text = ticket.text
        for length in Ticket.prefix.count..<text.count {
            #expect(failure(String(text.prefix(length)))?.reason == .damaged, "\(length)")
        }
        for at in text.indices.dropFirst(Ticket.prefix.count) {
            let other: Character = text[at] == "A" ? "B" : "A"
            let altered = text[..<at] + String(other) + text[text.index(after: at)...]
            #expect(failure(String(altered))?.reason == .damaged)
        }
        #expect(failure(text + "A")?.reason == .damaged)
        #expect(failure(String(text.prefix(40)))?.description.contains("cut off") == true)
    }

    @Test func `what is no ticket, or one of another version, is told apart`() {
        #expect(failure("peers/clinics.peers")?.reason == .malformed(line: nil))
        #expect(failure("shoal-ticket-2.AAAA")?.reason == .newer)
        #expect(failure(Ticket.prefix + String(repeating: "A", count: 5_000))?.reason == .damaged)
    }

    @Test func `a well summed ticket of the wrong content is refused`() {
        func seal(_ bytes: Bytes) -> String {
            let sum: Hash32 = blake2b256(domain: "shoal/ticket/1", bytes)
            return Ticket.prefix + Base64URL.encode(bytes + sum.bytes.prefix(4))
        }
        for bytes: Bytes in [[], [0x80], [0x87], Bytes(repeating: 0x9F, count: 9)] {
            let reason = failure(seal(bytes))?.reason
            #expect(reason == .malformed(line: nil) || reason == .damaged, "\(bytes)")
        }
    }

    @Test func `nothing that prints a ticket by accident shows its secret`() {
        let digits = Hex.encode(ticket.secret)
        for shown in [
            "\(ticket)", String(reflecting: ticket),
            {
                var text = ""; dump(ticket, to: &text); return text
            }(),
        ] {
            #expect(!shown.contains(digits) && !shown.contains(ticket.text) && !shown.contains("5, 5, 5"))
        }
    }

    @Test func `base64 without padding has one text for each value`() {
        for count in 0..<70 {
            let bytes = Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 83) })
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
        #expect(Base64URL.encode(bytes("light w")) == "bGlnaHQgdw")
        #expect(Base64URL.decode("bGlnaHQgdx") == nil, "bits that are left over")
        #expect(Base64URL.decode("bGln=") == nil && Base64URL.decode("b+/n") == nil && Base64URL.decode("A") == nil)
    }
}

@Suite struct InvitationBookTests {
    private let directory = TemporaryDirectory()
    private var path: String { directory.file("invitations") }
    private let west = SiteName("west")!
    private let secret = Bytes(repeating: 3, count: 16)

    private func book() throws -> InvitationBook { try InvitationBook(path: path) }

    @Test func `a ticket admits one site, which may ask again, also after a restart`() throws {
        var book = try book()
        try book.add(secret: secret, name: west, expires: 2_000, now: 1_000)
        #expect(mode(path) == 0o600)
        #expect(!(try text(path)).contains(Hex.encode(secret)), "the file does not give the secret away")
        let first = try book.redeem(secret: secret, by: testKeyPair.peerID, now: 1_500).get()
        #expect(first.redeemed == .init(peer: testKeyPair.peerID, seconds: 1_500))
        var again = try self.book()
        #expect(again.invitations == book.invitations)
        #expect(try again.redeem(secret: secret, by: testKeyPair.peerID, now: 9_999).get() == first)
        #expect(try again.redeem(secret: secret, by: otherKeyPair.peerID, now: 1_500) == .failure(.used(first)))
    }

    @Test func `an expired, a withdrawn and an unknown ticket admit nobody`() throws {
        var book = try book()
        try book.add(secret: secret, name: west, expires: 2_000, now: 1_000)
        let open = book.invitations[0]
        #expect(try book.redeem(secret: secret, by: testKeyPair.peerID, now: 2_000) == .failure(.expired(open)))
        #expect(
            try book.redeem(secret: Bytes(repeating: 4, count: 16), by: testKeyPair.peerID, now: 1_500)
                == .failure(.unknown))
        #expect(try book.withdraw(SiteName("east")!) == 0)
        #expect(try book.withdraw(west) == 1)
        #expect(try book.redeem(secret: secret, by: testKeyPair.peerID, now: 1_500) == .failure(.unknown))
        #expect(try self.book().invitations.isEmpty)
    }

    @Test func `what cannot be kept on the disk is not redeemed`() throws {
        var book = try InvitationBook(path: directory.file("none/invitations"))
        #expect(
            reason { () throws(SiteError) in
                try book.add(secret: secret, name: west, expires: 2_000, now: 1_000)
            } == .missing)
        #expect(book.invitations.isEmpty)
    }

    @Test func `a damaged line is told with its number, and no more tickets are open than the limit`() throws {
        put(bytes("# a comment\nrubbish\n"), path)
        #expect(reason { () throws(SiteError) in _ = try InvitationBook(path: path) } == .malformed(line: 2))
        put(bytes(""), path)
        var book = try book()
        for number in 0..<InvitationBook.limit {
            try book.add(secret: Bytes(repeating: UInt8(number), count: 16), name: west, expires: 2_000, now: 1_000)
        }
        #expect(
            reason { () throws(SiteError) in
                try book.add(secret: secret, name: west, expires: 2_000, now: 1_000)
            } == .inUse(pid: nil))
    }
}
