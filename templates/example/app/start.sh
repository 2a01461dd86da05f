#!/bin/sh
cat all
