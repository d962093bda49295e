"""Live listening over a WebSocket: audio comes piece by piece, answers go out twice a second."""
