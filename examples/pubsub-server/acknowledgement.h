/* acknowledgement.h - a loop learns which messages are on the disk, and keeps what it has promised its clients. */
#ifndef PUBSUB_ACKNOWLEDGEMENT_H
#define PUBSUB_ACKNOWLEDGEMENT_H

struct worker;

/* Open the worker's consumer of acknowledgements, in its group.
 *
 * return  RINGBUS_OK or what the bus refused with */
int acknowledgement_begin(struct worker *worker);

#endif
