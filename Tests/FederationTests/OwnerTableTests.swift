import Federation
import Identity
import Testing
import Wire

@Suite struct OwnerTableTests {
    private let alice = OwnerTable.LogName(author: Fixture.author(1), log: LogID(rawValue: 1))
    private let aliceLater = OwnerTable.LogName(author: Fixture.author(1), log: LogID(rawValue: 2))
    private let bob = OwnerTable.LogName(author: Fixture.author(2), log: LogID(rawValue: 1))
    private let t = (0..<9).map(Fixture.token)

    @Test func `rows are numbered through the announcements of their log`() throws {
        var table = OwnerTable()
        try table.announce([t[0], t[1]], in: alice)
        try table.announce([t[5]], in: bob)
        try table.announce([t[4], t[2]], in: alice)
        #expect(table.rows(of: alice) == [t[0], t[1], t[4], t[2]])
        #expect(
            try table.shares(of: [t[2], t[0]], in: alice)
                == [RowShare(index: 3, owners: 1), RowShare(index: 0, owners: 1)])
        #expect(throws: FederationError.notAnnounced(t[5])) { try table.shares(of: [t[0], t[5]], in: alice) }
        #expect(throws: FederationError.notAnnounced(t[0])) { try table.shares(of: [t[0]], in: aliceLater) }
    }

    @Test func `an author owns a row once, in however many logs`() throws {
        var table = OwnerTable()
        try table.announce([t[0]], in: alice)
        try table.announce([t[0], t[1]], in: aliceLater)
        try table.announce([t[0]], in: bob)
        #expect(table.owners(of: t[0]) == 2)
        #expect(table.owners(of: t[1]) == 1)
        #expect(table.owners(of: t[2]) == 0)
        #expect(table.authorCount == 2)
        try table.withdraw([t[0], t[1]], in: aliceLater)
        #expect(table.owners(of: t[0]) == 2)
        #expect(table.owners(of: t[1]) == 0)
        try table.withdraw([t[0]], in: alice)
        #expect(table.owners(of: t[0]) == 1)
        #expect(table.authorCount == 1)
    }

    @Test func `a log announces a row once`() throws {
        var table = OwnerTable()
        try table.announce([t[0], t[1]], in: alice)
        let before = table
        #expect(throws: FederationError.alreadyAnnounced(t[1])) { try table.announce([t[2], t[1]], in: alice) }
        #expect(table == before, "nothing is half announced")
        #expect(table.unannounced([t[3], t[1], t[2], t[3]], in: alice) == [t[2], t[3]].sorted())
        #expect(table.unannounced([t[0]], in: bob) == [t[0]])
    }

    @Test func `only the latest announcement can be withdrawn, and leaves no trace`() throws {
        var table = OwnerTable()
        var digests = [table.digest()]
        let lists = [[t[0], t[1]], [t[2]], [t[3], t[4]]]
        for list in lists {
            try table.announce(list, in: alice)
            digests.append(table.digest())
        }
        #expect(Set(digests).count == 4)
        #expect(throws: FederationError.notLatestAnnouncement) { try table.withdraw(lists[1], in: alice) }
        #expect(throws: FederationError.notLatestAnnouncement) { try table.withdraw(lists[2], in: bob) }
        for list in lists.reversed() {
            #expect(table.digest() == digests.popLast())
            try table.withdraw(list, in: alice)
        }
        #expect(table.digest() == digests[0])
        #expect(table == OwnerTable())
    }

    @Test func `the order across logs does not matter, the order within one does`() throws {
        let steps = [(alice, [t[0]]), (alice, [t[1], t[2]]), (bob, [t[1]]), (aliceLater, [t[2]])]
        var (a, b, c) = (OwnerTable(), OwnerTable(), OwnerTable())
        for (log, tokens) in steps { try a.announce(tokens, in: log) }
        for index in [2, 0, 3, 1] { try b.announce(steps[index].1, in: steps[index].0) }
        for index in [1, 0, 2, 3] { try c.announce(steps[index].1, in: steps[index].0) }
        #expect(a == b)
        #expect(a.digest() == b.digest())
        #expect(a.digest() != c.digest())
        for token in t { #expect(a.owners(of: token) == b.owners(of: token)) }
    }
}
