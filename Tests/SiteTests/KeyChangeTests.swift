import Glibc
import Identity
import Testing
import Wire

@testable import Site

@Suite struct KeyChangeTests {
    private func open(_ name: String) throws(SiteError) -> SiteName { try SiteName(checking: name) }

    @Test func `a completed change keeps when it was, through a crash at any point and through the next start`() throws
    {
        let place = TemporaryDirectory()
        let directory = try DataDirectory(creating: place.file("data"))
        let old = try SiteKey(site: open("north"), keyPair: .generate())
        try Files.makeDirectory(place.file("keys"), mode: 0o700)
        try old.create(in: place.file("keys"))
        let key = SiteKey.path(of: old.site, in: place.file("keys"))
        #expect(try KeyChange.taken(in: directory) == nil, "its first key was taken from no other")
        let next = try KeyChange.next(in: directory, key: key)
        let change = KeyChange(old: old.keyPair.peerID, new: next.keyPair.peerID)
        try change.write(in: directory)
        // Twice: the first time ended before the database had its new owner.
        for _ in 0..<2 { try change.complete(in: directory, key: key) }
        KeyChange.forget(in: directory)
        let taken = try #require(try KeyChange.taken(in: directory))
        #expect(taken.key == next.keyPair.peerID)
        #expect(abs(time(nil) - Int(taken.seconds)) < 60)
    }

    @Test(arguments: ["", "north", "zz 12", "\(String(repeating: "0", count: 64)) now"])
    func `a note that says nothing hinders nobody`(text: String) throws {
        let place = TemporaryDirectory()
        let directory = try DataDirectory(creating: place.file("data"))
        try Files.write(Bytes(text.utf8), to: directory.keyTakenPath)
        #expect(try KeyChange.taken(in: directory) == nil)
    }
}
