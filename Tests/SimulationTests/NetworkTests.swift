import Testing
import Wire

@testable import Simulation

@Suite struct NetworkTests {
    /// Two sites and one connection, both ends up.
    func pair(jitterMs: Int = 50, seed: UInt64 = 1) -> Network {
        var network = Network(sites: 2, latencyMs: 10, jitterMs: jitterMs, random: Random(seed: seed))
        let (number, opens) = network.connect(.site(0), to: .site(1), dial: 7, now: 0)
        #expect(number == 1 && opens.allSatisfy { $0 >= 10 })
        _ = network.open(1, 0)
        _ = network.open(1, 1)
        return network
    }

    /// What comes out at the other end by the time everything has arrived.
    func deliver(_ arrivals: [Network.Arrival], _ network: inout Network, from end: Int = 0) -> Bytes {
        var bytes = Bytes()
        for arrival in arrivals.enumerated().sorted(by: { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) })
        {
            if case .bytes(let piece)? = network.arrive(arrival.element.piece, 1, from: end) { bytes += piece }
        }
        return bytes
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `bytes arrive in order and whole, however they are cut and delayed`(seed: UInt64) {
        var network = pair(seed: seed)
        var arrivals: [Network.Arrival] = []
        for now in 0..<50 as Range<UInt64> {
            arrivals += network.write(Bytes(repeating: UInt8(now), count: 40), to: 1, from: 0, now: now)
        }
        let times = arrivals.map(\.time)
        #expect(times == times.sorted() && arrivals.count > 50)
        #expect(deliver(arrivals, &network) == (0..<50).flatMap { Bytes(repeating: UInt8($0), count: 40) })
        #expect(network.connections[1]?.pipes[0].delivered == 2_000)
    }

    @Test func `a partition that holds gives everything back in order, one that loses breaks the stream for good`() {
        for block in [Network.Block.hold, .lose] {
            var network = pair(jitterMs: 0)
            network.block(0, 1, block)
            let first = network.write([1, 2], to: 1, from: 0, now: 0)
            #expect(deliver(first, &network) == [])
            let back = network.write([9], to: 1, from: 1, now: 0)
            #expect(deliver(back, &network, from: 1) == [9], "the other way is open")
            network.block(0, 1, nil)
            let held = network.release(0, 1).flatMap(\.pieces)
            let second = network.write([3], to: 1, from: 0, now: 1_000)
            let arrived = deliver(held.map { Network.Arrival(time: 0, piece: $0) } + second, &network)
            #expect(arrived == (block == .hold ? [1, 2, 3] : []))
        }
    }

    @Test func `an end comes after what was written before it, and nothing after it`() {
        var network = pair()
        let data = network.write([1], to: 1, from: 0, now: 5)
        let end = network.close(1, 0, now: 5)
        #expect(end!.time >= data.last!.time)
        #expect(!network.isOpen(1, 0) && network.isOpen(1, 1))
        #expect(network.close(1, 0, now: 6) == nil)
        network.drop(1, 1)
        #expect(network.connections.isEmpty)
    }

    @Test func `a reset loses what is on its way`() {
        var network = pair()
        let data = network.write([1, 2, 3], to: 1, from: 0, now: 0)
        network.breakStreams(1)
        #expect(deliver(data, &network) == [])
        #expect(network.write([4], to: 1, from: 0, now: 1).isEmpty)
    }
}

@Suite struct EventQueueTests {
    @Test func `things happen by time, and in the order of scheduling within a millisecond`() {
        var queue = EventQueue<Int>()
        var random = Random(seed: 3)
        let times = (0..<500).map { _ in UInt64(random.below(40)) }
        for (index, time) in times.enumerated() { queue.schedule(index, at: time) }
        var out: [(UInt64, Int)] = []
        while let (time, index) = queue.next() { out.append((time, index)) }
        let expected = times.enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
        #expect(out.map(\.1) == expected.map(\.offset))
        #expect(queue.isEmpty && queue.nextTime == nil)
    }
}
