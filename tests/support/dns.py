"""A real DNS server on this machine, over UDP and TCP: answers from a dictionary, and can be made to fail."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

# Less than a resolver would offer, so that a DKIM key does not fit and is asked for again over TCP.
UDP_BYTES = 400


@dataclass
class Zones:
    """`records`: (name, type) -> texts of the records. `failing` names answer SERVFAIL, `silent` ones not at all."""

    port: int = 0
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    down: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # (name, type, udp or tcp)

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self.port}"

    def put(self, name: str, kind: str, *texts: str) -> None:
        """Set the records of a name; none removes them."""
        if texts:
            self.records[name, kind] = list(texts)
        else:
            self.records.pop((name, kind), None)

    def txt(self, name: str, *texts: str) -> None:
        """Set TXT records, split into strings of 255 bytes as zone files do."""
        parts = [" ".join(f'"{text[i : i + 255]}"' for i in range(0, len(text), 255)) for text in texts]
        self.put(name, "TXT", *parts)

    def answer(self, wire: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind, transport))
        if name in self.silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if self.down or name in self.failing:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response.to_wire()
        texts = self.records.get((name, kind))
        if texts:
            response.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *texts))
        elif not any(known == name or known.endswith(f".{name}") for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        made = response.to_wire(max_size=65535)
        if transport == "udp" and len(made) > UDP_BYTES:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()
        return made


@contextmanager
def dns_server() -> Iterator[Zones]:
    """Serve until the end of the block; empty zones say NXDOMAIN to everything."""
    zones = Zones()

    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            answer = zones.answer(data, "udp")
            if answer is not None:
                sock.sendto(answer, self.client_address)

    class Tcp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = self.request.recv(2, socket.MSG_WAITALL)
            if len(head) == 2:
                answer = zones.answer(self.request.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL), "tcp")
                if answer is not None:
                    self.request.sendall(struct.pack("!H", len(answer)) + answer)

    tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tcp)
    tcp.daemon_threads = True
    zones.port = tcp.server_address[1]
    udp = socketserver.ThreadingUDPServer(("127.0.0.1", zones.port), Udp)
    udp.daemon_threads = True
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in (tcp, udp)]
    for thread in threads:
        thread.start()
    try:
        yield zones
    finally:
        for server in (tcp, udp):
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join(5)
