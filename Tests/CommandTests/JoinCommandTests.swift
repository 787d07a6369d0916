import API
import Identity
import Site
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct JoinCommandTests {
    private let place = TemporaryDirectory()

    private func ticket(_ address: Endpoint, name: String = "west") -> Ticket {
        Ticket(
            inviter: KeyPair(seed: Bytes(repeating: 1, count: 32)).peerID,
            network: NetworkID(Bytes(repeating: 7, count: 32))!,
            secret: Bytes(repeating: 5, count: 16), expires: 1_800_000_000, name: SiteName(name)!,
            networkName: SiteName("clinics")!, addresses: [address])
    }

    private func join(_ text: String) async -> Outcome {
        await run(["join", text, "--keys", place.file("keys"), "--data-dir", place.file("data")])
    }

    @Test func `a ticket that is cut off is refused before anything is made`() async {
        let text = ticket(Endpoint(host: "127.0.0.1", port: 1)).text
        let outcome = await join(String(text.dropLast(9)))
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("cut off") && outcome.errors.contains("shoal invite"), "\(outcome.errors)")
        #expect(!Paths.exists(place.file("data")) && !Paths.exists(place.file("keys")))
    }

    @Test func `what is neither a ticket nor a file is said to be that`() async {
        let empty = await join("")
        #expect(empty.code == .usage && empty.errors.contains("if it comes from `shoal invite`, that has failed"))
        let outcome = await join("tikcet")
        #expect(outcome.code == .unreachable)
        #expect(
            outcome.errors.contains("join: tikcet: it is neither a ticket nor a file")
                && outcome.errors.contains("shoal invite"), "\(outcome.errors)")
    }

    @Test func `an inviter that does not answer is exit code 3, and the site can try again with its key`() async throws
    {
        // Port 1 of this machine: nobody listens there.
        let outcome = await join(ticket(Endpoint(host: "127.0.0.1", port: 1)).text)
        #expect(outcome.code == .unreachable)
        #expect(outcome.errors.contains("127.0.0.1:1") && outcome.errors.contains("still good"), "\(outcome.errors)")
        #expect(!outcome.errors.contains(Hex.encode(Bytes(repeating: 5, count: 16))))
        #expect(outcome.errors.contains("the inviter is dialled at 127.0.0.1:1"), "\(outcome.errors)")
        #expect(outcome.output.isEmpty, "what it does meanwhile is told beside the output")
        let key = try SiteKey.load(place.file("keys/west.key"))
        _ = await join(ticket(Endpoint(host: "127.0.0.1", port: 1)).text)
        #expect(try SiteKey.load(place.file("keys/west.key")) == key)
    }

    @Test func `a site of another name does not use the ticket`() async {
        _ = await run(["init", "--name", "east", "--keys", place.file("keys"), "--data-dir", place.file("data")])
        let outcome = await join(ticket(Endpoint(host: "127.0.0.1", port: 1)).text)
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("the ticket is for west, and this site is east"), "\(outcome.errors)")
    }

    @Test func `a ticket stands alone on the output, and what to do with it beside it`() async throws {
        let report = TicketReport(
            ticket: "shoal-ticket-1.abc", name: "west", network: "clinics", expires: 1_800_000_000,
            addresses: ["127.0.0.1:7447"])
        let node = try FakeNode { $0.post("/api/invitations") { _ in .json(report, status: 201) } }
        let outcome = await node.run("invite", "west")
        #expect(outcome.code == .done && outcome.output == "shoal-ticket-1.abc\n")
        #expect(
            outcome.errors.contains("once, until 2027-01-15T08:00:00Z") && outcome.errors.contains("shoal join TICKET"))
        #expect(outcome.errors.contains("Only sites on this machine"))
        #expect(await node.run("invite").code == .usage)
    }

    @Test func `handed out tickets are listed, and withdrawn by name`() async throws {
        let all = [
            InvitationReport(name: "west", state: "open", expires: 1_800_000_000),
            InvitationReport(
                name: "east", state: "redeemed", expires: 1_800_000_000, peer: String(repeating: "ab", count: 32),
                redeemed: 1_799_999_999),
        ]
        let node = try FakeNode {
            $0.get("/api/invitations") { _ in .json(all) }
            $0.delete("/api/invitations") { request in
                #expect(request.query["name"] == "west")
                return .json(RemovedReport(removed: 1))
            }
        }
        let listed = await node.run("invite", "--list")
        #expect(listed.output.contains("west") && listed.output.contains("abababababab"))
        let withdrawn = await node.run("invite", "west", "--withdraw")
        #expect(withdrawn.code == .done && withdrawn.output.contains("1 ticket for west"))
    }
}
