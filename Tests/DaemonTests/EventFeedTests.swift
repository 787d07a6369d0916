import API
import Testing

@testable import Daemon

@Suite struct EventFeedTests {
    private func alarm(_ number: Int) -> AlarmEvent { AlarmEvent(code: "\(number)", peer: nil, detail: "") }

    private func codes(_ stream: AsyncStream<ServerEvent>, _ count: Int) async throws -> [String] {
        var codes: [String] = []
        for await event in stream {
            codes.append(try JSON.decode(AlarmEvent.self, from: Array(event.data.utf8)).code)
            if codes.count == count { break }
        }
        return codes
    }

    @Test func `every watcher is told everything, numbered from 1`() async throws {
        let feed = EventFeed()
        let watchers = try [#require(feed.watch(since: nil)), #require(feed.watch(since: nil))]
        for number in 1...3 { feed.publish("alarm", alarm(number)) }
        for watcher in watchers { #expect(try await codes(watcher, 3) == ["1", "2", "3"]) }
    }

    @Test func `a watcher that returns is told what it missed, and nothing twice`() async throws {
        let feed = EventFeed()
        for number in 1...5 { feed.publish("alarm", alarm(number)) }
        let back = try #require(feed.watch(since: 3))
        feed.publish("alarm", alarm(6))
        #expect(try await codes(back, 3) == ["4", "5", "6"])
        let upToDate = try #require(feed.watch(since: 6))
        let fromTheFuture = try #require(feed.watch(since: 99))
        feed.publish("alarm", alarm(7))
        #expect(try await codes(upToDate, 1) == ["7"])
        #expect(try await codes(fromTheFuture, 1) == ["7"])
    }

    @Test func `only the latest events are kept, and a slow watcher loses the oldest`() async throws {
        let feed = EventFeed()
        let slow = try #require(feed.watch(since: nil))
        let total = EventFeed.waiting + 10
        for number in 1...total { feed.publish("alarm", alarm(number)) }
        #expect(try await codes(slow, 1) == ["11"])
        let late = try #require(feed.watch(since: 0))
        #expect(try await codes(late, 1) == ["\(total - EventFeed.kept + 1)"])
    }

    @Test func `watchers are bounded, and one that leaves makes room`() async throws {
        let feed = EventFeed()
        var watchers = (0..<EventFeed.watchers).compactMap { _ in feed.watch(since: nil) }
        #expect(watchers.count == EventFeed.watchers && feed.watch(since: nil) == nil)
        watchers.removeLast()
        #expect(feed.watcherCount == EventFeed.watchers - 1)
        #expect(feed.watch(since: nil) != nil)
    }
}
