import Identity
import Session
import Testing
import Wire

@Suite struct BodyAssemblerTests {
    private func body(_ length: Int) -> Bytes {
        var random = Random(seed: UInt64(length))
        var body = Bytes()
        body.reserveCapacity(length + 8)
        while body.count < length { body += random.next().bigEndianBytes }
        return Bytes(body.prefix(length))
    }

    private func blobs(_ body: Bytes, _ message: Message) -> [Blob] {
        guard case .blobWant(let want) = message else { return [] }
        let indexes = want.indexes(of: BodyHash.chunkCount(length: body.count))
        return indexes.map { Blob(chunk: $0, of: body, hash: want.hash) }
    }

    @Test(arguments: [1, 131_071, 131_072, 131_073, 500_000, 8 * 1_024 * 1_024])
    func `a body comes together from its chunks`(length: Int) throws {
        let body = body(length)
        var assembler = try #require(BodyAssembler(hash: BodyHash.hash(of: body), length: length))
        let blobs = blobs(body, assembler.request(from: id(1)))
        for blob in blobs.dropLast() {
            #expect(try assembler.accept(blob) == .kept(missing: blobs.count - 1 - blob.chunk))
        }
        #expect(try assembler.accept(blobs.last!) == .complete(body))
        #expect(assembler.isComplete && assembler.source == nil)
        #expect(try assembler.accept(blobs[0]) == .ignored)
        #expect(throws: Never.self) { try blobs.forEach { _ = try Message(Message.blob($0).frame()) } }
    }

    @Test func `another source is asked for the rest alone`() throws {
        let body = body(5 * BodyHash.chunkBytes + 17)
        var assembler = try #require(BodyAssembler(hash: BodyHash.hash(of: body), length: body.count))
        let first = blobs(body, assembler.request(from: id(1)))
        for index in [0, 1, 4] { _ = try assembler.accept(first[index]) }
        #expect(assembler.lost(id(9)) == false, "only the source matters")
        #expect(assembler.lost(id(1)) == true)
        let request = assembler.request(from: id(2))
        #expect(request == .blobWant(BlobWant(hash: assembler.hash, chunks: .some([2, 3, 5]))))
        #expect(assembler.source == id(2))
        #expect(try assembler.accept(first[2]) == .kept(missing: 2), "late chunks of the first are welcome")
        let second = blobs(body, request)
        #expect(try assembler.accept(second[0]) == .ignored)
        #expect(try assembler.accept(second[1]) == .kept(missing: 1))
        #expect(try assembler.accept(second[2]) == .complete(body))
    }

    @Test func `a liar is found at its first chunk`() throws {
        let body = body(3 * BodyHash.chunkBytes)
        let hash = BodyHash.hash(of: body)
        var assembler = try #require(BodyAssembler(hash: hash, length: body.count))
        let good = blobs(body, assembler.request(from: id(1)))

        var other = body
        other[0] ^= 1
        let lie = Blob(chunk: 0, of: other, hash: hash)
        #expect(throws: LinkError.chunkMismatch(body: hash, chunk: 0)) { try assembler.accept(lie) }

        #expect(try assembler.accept(good[0]) == .kept(missing: 2))
        var bytes = good[1].bytes
        bytes[77] ^= 1
        let altered = Blob(hash: hash, chunk: 1, chunks: 3, chunkHashes: [], bytes: bytes)
        #expect(throws: LinkError.chunkMismatch(body: hash, chunk: 1)) { try assembler.accept(altered) }
        #expect(assembler.missing == [1, 2], "what was wrong left nothing behind")

        let wrongCount = Blob(hash: hash, chunk: 1, chunks: 4, chunkHashes: [], bytes: good[1].bytes)
        #expect(throws: LinkError.self) { try assembler.accept(wrongCount) }
        let swapped = Blob(hash: hash, chunk: 2, chunks: 3, chunkHashes: [], bytes: good[1].bytes)
        #expect(throws: LinkError.self) { try assembler.accept(swapped) }

        #expect(try assembler.accept(good[1]) == .kept(missing: 1))
        #expect(try assembler.accept(good[2]) == .complete(body))
    }

    @Test func `the hashes of a chunk list bind its length`() throws {
        // The same chunk hashes for a body that is announced one byte longer.
        let body = body(2 * BodyHash.chunkBytes - 1)
        var assembler = try #require(BodyAssembler(hash: BodyHash.hash(of: body), length: body.count + 1))
        #expect(throws: LinkError.self) { try assembler.accept(Blob(chunk: 0, of: body, hash: assembler.hash)) }
    }

    @Test func `a chunk that nobody can check yet is dropped without blame`() throws {
        let body = body(2 * BodyHash.chunkBytes)
        var assembler = try #require(BodyAssembler(hash: BodyHash.hash(of: body), length: body.count))
        #expect(try assembler.accept(Blob(chunk: 1, of: body, hash: assembler.hash)) == .ignored)
        #expect(assembler.missing == [0, 1])
    }

    @Test func `no body is empty or over 8 MiB`() {
        #expect(BodyAssembler(hash: id(1), length: 0) == nil)
        #expect(BodyAssembler(hash: id(1), length: BodyHash.maxBodyBytes + 1) == nil)
    }
}
