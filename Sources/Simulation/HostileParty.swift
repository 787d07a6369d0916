internal import Identity
internal import Peer
internal import Replication
internal import Session
internal import Wire

/// Somebody who does not play by the rules, with the production link and a key of its own.
struct HostileParty {
    let kind: SimulationOptions.Hostile
    let key: KeyPair
    /// The network it says HELLO for.
    let network: NetworkID
    var connection: ConnectionNumber?
    var target = 0
    /// Nil for an impostor, who only plays back.
    var link: Link?
    /// Its own valid ops, in order; it may sign those.
    var ownOps: [Op] = []
    /// Of an equivocator: what goes on from ``ownOps`` in two ways.
    var branches: [[Op]] = []
    /// Of an equivocator that waits until sums of its log are certified, and then forks inside of the block.
    var training: HostileLog?
    var hasAskedForSums = false
    /// The account log of one that votes or forges.
    var account: HostileLog?
    /// Lives of sites that have shut it out.
    var shutOutBy: Set<SiteLife> = []

    struct SiteLife: Hashable {
        let site: Int
        let life: Int
    }
}

extension HostileParty {
    /// The same op with the same valid signature in other bytes: the signature's length takes two bytes where one is enough.
    static func disguise(_ envelope: Bytes) -> Bytes {
        envelope.dropLast(66) + [0x59, 0x00, 0x40] + envelope.suffix(64)
    }

    /// One that no decoder may take for an op: bits flipped, cut, lengthened, or the same meaning in
    /// other than the canonical form.
    static func alter(_ envelope: Bytes, _ random: inout Random) -> Bytes {
        var altered = envelope
        switch random.below(4) {
        case 0: altered[random.below(altered.count)] ^= 1 << UInt8(random.below(8))
        case 1: altered.removeLast(1 + random.below(min(40, altered.count - 1)))
        case 2: altered.append(UInt8(random.below(256)))
        default:
            // The payload's length in four bytes where two suffice.
            if altered[7] == 0x59 { altered.replaceSubrange(7...7, with: [0x5A, 0, 0]) } else { altered[0] ^= 1 }
        }
        return altered
    }

    /// Ops of its own log: it opens it, and says things that have no effect.
    mutating func writeOwnOps() {
        guard ownOps.isEmpty else { return }
        let log = LogID(rawValue: 0xBAD)
        for seq in 1...4 as ClosedRange<UInt64> {
            ownOps.append(
                Op(
                    signing: seq == 1 ? .openLog : .transfer, body: [0x81, 0x01], log: log, seq: seq,
                    prev: ownOps.last?.id ?? .zero, lamport: seq, deps: [], network: network, with: key))
        }
    }
}
