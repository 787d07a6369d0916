internal import Glibc
public import Identity
internal import Membership
public import Session
public import Site
internal import Transport
internal import Wire

/// What a redeemed ticket gives.
public struct Redeemed: Sendable {
    public let network: NetworkFile
    /// All members that the inviter knows, itself first, with the address that answered.
    public let members: [PeerEntry]
    /// This machine's clock less the inviter's, in seconds.
    public let clockAhead: Int64
}

/// Why a ticket was not redeemed.
public enum JoinError: Error, Sendable, Equatable {
    /// No address of the ticket answered; the last cause.
    case unreachable(addresses: [String], cause: String)
    /// Somebody answered who hung up before it proved who it is.
    case notTheInviter(address: String, cause: String)
    /// The inviter runs a shoal that knows no tickets.
    case tooOld(address: String)
    /// The inviter said no. `clockAhead`: this machine's clock less the inviter's, in seconds.
    case refused(JoinRefusal, clockAhead: Int64)
    /// What came back does not fit the ticket.
    case foreign(String)
    /// It may have been redeemed: asking again with the same key does no harm.
    case interrupted(String)
}

/// The new site's side of JOIN: dials the inviter, proves who both are, tells the secret, takes what it needs.
public enum TicketRedemption {
    private static let patienceMs: UInt64 = 20_000

    /// How far it has got.
    public enum Stage: Sendable, Equatable {
        /// Dials the address with this number of so many, from 1 on.
        case dialling(Endpoint, number: Int, of: Int)
        /// Both have proven who they are; the inviter has the ticket.
        case asked(Endpoint)
    }

    /// Tries the ticket's addresses in turn.
    ///
    /// - Parameters:
    ///   - addresses: where the new site can be dialled; none behind a NAT.
    ///   - told: hears of each stage, on any thread.
    public static func redeem(
        _ ticket: Ticket, as key: KeyPair, addresses: [String], told: @escaping @Sendable (Stage) -> Void = { _ in }
    ) async throws(JoinError) -> Redeemed {
        var last = JoinError.unreachable(addresses: [], cause: "the ticket names no address")
        for (index, address) in ticket.addresses.enumerated() {
            do throws(JoinError) {
                told(.dialling(address, number: index + 1, of: ticket.addresses.count))
                return try await ask(ticket, at: address, as: key, addresses: addresses, told: told)
            } catch .unreachable(_, let cause) {
                last = .unreachable(addresses: ticket.addresses.map(\.description), cause: cause)
            } catch .notTheInviter(let place, let cause) {
                last = .notTheInviter(address: place, cause: cause)
            } catch {
                throw error
            }
        }
        throw last
    }

    private static func ask(
        _ ticket: Ticket, at address: Endpoint, as key: KeyPair, addresses: [String],
        told: @escaping @Sendable (Stage) -> Void
    ) async throws(JoinError) -> Redeemed {
        let loop: EventLoop
        do {
            loop = try EventLoop()
        } catch {
            throw .unreachable(addresses: [], cause: "\(error)")
        }
        loop.start()
        let answer: Result<JoinGrant, JoinError> = await withCheckedContinuation { continuation in
            loop.post {
                do {
                    let transport = try TLSTransport(loop: loop)
                    JoinTalk(
                        loop: loop, transport: transport, ticket: ticket, address: address, key: key,
                        addresses: addresses, told: told
                    ) { continuation.resume(returning: $0) }
                    .begin(patienceMs: patienceMs)
                } catch {
                    continuation.resume(returning: .failure(.unreachable(addresses: [], cause: "\(error)")))
                }
            }
        }
        loop.stop()
        loop.join()
        return try redeemed(try answer.get(), ticket, address)
    }

    private static func redeemed(
        _ grant: JoinGrant, _ ticket: Ticket, _ address: Endpoint
    ) throws(JoinError) -> Redeemed {
        let network: NetworkFile
        do {
            network = try NetworkFile(genesis: Genesis(decoding: grant.genesis), vocabularyKey: grant.vocabularyKey)
        } catch {
            throw .foreign("\(error)")
        }
        guard network.genesis.networkID == ticket.network else {
            throw .foreign("the inviter sent the genesis of another network")
        }
        var members: [PeerEntry] = []
        for member in grant.members where !members.contains(where: { $0.peerID == member.peer }) {
            let isInviter = member.peer == ticket.inviter
            let endpoint = isInviter ? address : Endpoint(parsing: member.address).flatMap { $0.port > 0 ? $0 : nil }
            let name = SiteName(member.name)?.text ?? member.peer.short
            members.append(PeerEntry(peerID: member.peer, endpoint: endpoint, name: name))
        }
        return Redeemed(network: network, members: members, clockAhead: Int64(time(nil)) - Int64(grant.seconds))
    }
}

/// One conversation on one connection. All on the loop; ends once.
private final class JoinTalk: @unchecked Sendable {
    private let loop: EventLoop
    private let transport: TLSTransport
    private let ticket: Ticket
    private let address: Endpoint
    private let key: KeyPair
    private let addresses: [String]
    private let told: @Sendable (TicketRedemption.Stage) -> Void
    private var finish: ((Result<JoinGrant, JoinError>) -> Void)?
    private var link: Link?
    private var connection: ConnectionID?
    private var isEstablished = false

    init(
        loop: EventLoop, transport: TLSTransport, ticket: Ticket, address: Endpoint, key: KeyPair, addresses: [String],
        told: @escaping @Sendable (TicketRedemption.Stage) -> Void,
        finish: @escaping (Result<JoinGrant, JoinError>) -> Void
    ) {
        self.loop = loop
        self.transport = transport
        self.ticket = ticket
        self.address = address
        self.key = key
        self.addresses = addresses
        self.told = told
        self.finish = finish
    }

    func begin(patienceMs: UInt64) {
        transport.onEvent = { self.received($0) }
        transport.dial(HostPort(host: address.host, port: address.port), tag: 1)
        loop.after(milliseconds: patienceMs) { [self] in
            end(
                .failure(
                    isEstablished
                        ? .interrupted("no answer within \(patienceMs / 1_000) s")
                        : .unreachable(addresses: [], cause: "no answer within \(patienceMs / 1_000) s")))
        }
    }

    private func received(_ event: TransportEvent) {
        switch event {
        case .opened(let id, _, _, let exporter, _):
            connection = id
            var link = Link(
                role: .initiator, identity: key, network: ticket.network, expected: ticket.inviter, exporter: exporter,
                offer: HelloOffer(
                    features: HelloFeatures.join, listenAddresses: [], frontier: .zero, state: .zero),
                now: Instant(milliseconds: loop.now))
            let outputs = link.start()
            self.link = link
            carryOut(outputs)
        case .received(_, let bytes):
            guard let outputs = link?.received(bytes, now: Instant(milliseconds: loop.now)) else { return }
            carryOut(outputs)
        case .drained: break
        case .closed(_, let reason):
            let cause = reason.map { "\($0)" } ?? "it hung up"
            end(
                .failure(
                    isEstablished ? .interrupted(cause) : .notTheInviter(address: address.description, cause: cause)))
        case .dialFailed(_, let error): end(.failure(.unreachable(addresses: [], cause: "\(error)")))
        }
    }

    private func carryOut(_ outputs: [Link.Output]) {
        for output in outputs {
            switch output {
            case .write(let bytes): if let connection { transport.write(connection, bytes) }
            case .established(let hello):
                isEstablished = true
                guard hello.features & HelloFeatures.join != 0 else {
                    return end(.failure(.tooOld(address: address.description)))
                }
                let request = JoinRequest(secret: ticket.secret, addresses: addresses)
                told(.asked(address))
                if let sent = try? link?.send(.join(.request(request))) { carryOut(sent) }
            case .message(.join(.granted(let grant)), _, _): end(.success(grant))
            case .message(.join(.refused(let refusal)), _, _):
                end(.failure(.refused(refusal, clockAhead: Int64(time(nil)) - Int64(refusal.seconds))))
            case .message: break
            case .close(let error):
                end(
                    .failure(
                        isEstablished
                            ? .interrupted("\(error)")
                            : .notTheInviter(address: address.description, cause: "\(error)")))
            }
        }
    }

    private func end(_ result: Result<JoinGrant, JoinError>) {
        guard let finish else { return }
        self.finish = nil
        finish(result)
        transport.onEvent = { _ in }
        transport.shutdown()
    }
}

extension JoinError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreachable(let addresses, let cause):
            "the inviter does not answer at \(addresses.joined(separator: " or ")): \(cause)"
        case .notTheInviter(let address, let cause):
            "who answers at \(address) is not the inviter, or belongs to another network by now: \(cause)"
        case .tooOld(let address): "the node at \(address) runs a shoal that knows no tickets"
        case .refused(let refusal, _): refusal.text
        case .foreign(let cause): "what the inviter sent does not fit the ticket: \(cause)"
        case .interrupted(let cause): "the connection ended before the inviter had answered: \(cause)"
        }
    }
}
